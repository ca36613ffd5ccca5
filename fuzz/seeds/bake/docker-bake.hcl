variable "TAG" {
  default = "latest"
  type = string
  validation {
    condition = TAG != ""
    error_message = "want a tag"
  }
}
variable "PORTS" { default = [80, 443] }
function "image" {
  params = [name]
  variadic_params = rest
  result = "reg.lan/${name}:${TAG}%{ if length(rest) > 0 }-${join("-", rest)}%{ endif }"
}
group "default" { targets = ["app", "tool"] }
target "base" {
  context = "."
  args = { A = upper("a"), B = null, C = PORTS[0] == 80 ? "x" : "y" }
  labels = { for k, v in { a = 1, b = 2 } : "org.${k}" => "${v}" if v > 1 }
}
target "app" {
  inherits = ["base"]
  matrix = { version = ["3.11", "3.12"], item = [{ os = "linux" }] }
  name = "app-${replace(version, ".", "-")}"
  tags = [image("app", version), image("app")]
  contexts = { base = "target:base", src = "https://example.com/a.git#main" }
  platforms = ["${item.os}/amd64", "linux/arm64"]
  output = [{ type = "oci", dest = "out.tar" }]
  dockerfile-inline = <<-EOT
    FROM base
    RUN echo ${1 + 2 * 3 - 4 % 3}
  EOT
}
target "tool" {
  target = "tool"
  cache-from = ["type=registry,ref=reg.lan/cache"]
  secret = ["id=a,env=A"]
  ssh = ["default"]
  ulimits = ["nofile=1024:2048"]
  tags = flatten([for t in ["a", "b"] : [for p in PORTS[*] : "${t}-${p}"]])
}
