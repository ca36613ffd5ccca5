#!/usr/bin/env python3
"""Compares `slipway bake --print` with `buildx bake --print` on random bake files. Run by hand.

Two kinds of input: random expressions, each in try() so that one file holds many, and the corpus'
bake files with random changes, which both programs must accept or refuse alike."""
import pathlib
import random
import sys
import tempfile

from baking import compare_mutations, print_targets
from fuzzing import Comparison, arguments, need

# Each function with the kinds of its arguments: text, number, bool, list, map, any, or a literal.
FUNCTIONS = """absolute n|add n n|and b b|base64decode t|base64encode t|basename t|can a|ceil n|chomp t
chunklist l n|cidrhost 'cidr' n|cidrnetmask 'cidr'|cidrsubnet 'cidr' n n|cidrsubnets 'cidr' n n|coalesce a a|
coalescelist l l|compact l|concat l l|contains l a|convert a 'type'|csvdecode 'csv'|dirname t|distinct l|divide n n|
element l n|equal a a|flatten l|floor n|format 'format' a a|formatdate 'date' 'time'|formattimestamp 'date' n|
formatlist 'format' l t|greaterthan n n|greaterthanorequalto n n|hasindex l n|indent n t|index l n|indexof l a|int n|
join t l|jsondecode 'json'|jsonencode a|keys m|length l|length m|lessthan n n|log n n|lookup m t a|lower t|max n n n|md5 t|
merge m m|min n n|modulo n n|multiply n n|negate n|not b|notequal a a|or b b|parseint t n|pow n n|range n|range n n|
range n n n|regex 'regex' t|regexall 'regex' t|regex_replace t 'regex' t|replace t t t|reverse t|reverselist l|sanitize t|
semvercmp 'version' 'constraint'|sethaselement l a|setintersection l l|setproduct l l|setsubtract l l|
setsymmetricdifference l l|setunion l l|sha1 t|sha256 t|sha512 t|signum n|slice l n n|sort l|split t t|strlen t|
substr t n n|subtract n n|timeadd 'time' 'duration'|title t|trim t t|trimprefix t t|trimspace t|trimsuffix t t|
try a a|unixtimestampparse n|upper t|urlencode t|uuidv5 'uuid' t|values m|zipmap l l""".replace("\n", "|").split("|")
FUNCTIONS = [line.split() for line in FUNCTIONS if line.strip()]
LITERALS = {
    "cidr": ["10.0.0.0/8", "192.168.1.7/24", "fd00::/16", "0.0.0.0/0", "::ffff:1.2.3.4/120", "1.2.3.4/33", "x"],
    "csv": ["a,b\\n1,2\\n", "a\\n\\\"x\\ny\\\"\\n", "", "a,a\\n1,2", "a,b\\n1\\n", "a;b\\n"],
    "format": ["%s-%s", "%d", "%5.2f|%v", "%[2]s%[1]s", "%q %t", "%x%%", "%05d%-5s", "%#v", "%e %g", "%z", "%"],
    "date": ["YYYY-MM-DD", "EEEE, D MMMM YY hh:mm:ss ZZZ", "H aa 'at' ''", "X", "EE", "'x", "ZZZZZ Z"],
    "time": ["2024-02-29T12:34:56Z", "1999-12-31T23:59:59.5+05:30", "2023-02-29T00:00:00Z", "x"],
    "duration": ["1h30m", "-2ms", "1.5s", "x", "36h"],
    "json": ["{\\\"a\\\": [1, null, \\\"x\\\"]}", "1.50", "\\\"\\\\u00e9\\\"", "[1, 2", "true", "{\\\"a\\\":1,\\\"a\\\":2}"],
    "regex": ["[a-z]+", "(a)(b)?", "(?P<n>.)x*", "(", "^.|$", "\\\\d*", "(?i)A"],
    "version": ["1.2.3", "v1.2", "2.0.0-rc.1", "1", "1.2.3+b", "x"],
    "constraint": [">= 1.2", "~1.2.3", "^1", "1.x || 2", "!= 1.2.3", "> 1, < 2", "1.0 - 2.0", "=<2", "x y"],
    "uuid": ["dns", "url", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "x"],
    "type": ["string", "list(string)", "set(number)", "map(any)", "object({a = string})", "tuple([number, any])", "list(any)",
             "object({a = optional(number), b = string})", "nosuch"],
}
TEXTS = ["", "a", "abc", "Hello World", "12", "-3.5", "true", "a,b,,c", " x ", "é", "e\\u0301", "👍🏽", "a\\nb\\n", "x/y/../z",
         "$${x}", "0x1f", "1e3", "ß", "\\t"]
NUMBERS = ["0", "1", "2", "3", "10", "0.1", "2.5", "1e3", "123456789012345678901234567890", "1.50", "7", "1e-7", "100", "255"]


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.locals: list[str] = []

    def pick(self, *choices):
        return self.random.choice(choices)()

    def one(self, values):
        return self.random.choice(values)

    def of(self, kind: str, depth: int) -> str:
        if kind.startswith("'"):
            name = kind.strip("'")
            value = self.one(LITERALS[name])
            return value if name == "type" else f'"{value}"'
        if self.random.random() < 0.04:
            kind = self.one("tnblma")
        return {"t": self.text, "n": self.number, "b": self.truth, "l": self.list, "m": self.map,
                "a": self.any}[kind](depth)

    def any(self, depth):
        if self.random.random() < 0.06:
            return "null"
        return self.of(self.one("tnblm"), depth)

    def call(self, depth):
        name, *kinds = self.one(FUNCTIONS)
        return f"{name}({', '.join(self.of(kind, depth - 1) for kind in kinds)})"

    def common(self, depth, kind):
        """What can stand for a value of any kind."""
        roll = self.random.random()
        if roll < 0.45:
            return self.call(depth)
        if roll < 0.65:
            other = kind if self.random.random() < 0.7 else self.one("tnblma")
            return f"({self.truth(depth - 1)} ? {self.of(kind, depth - 1)} : {self.of(other, depth - 1)})"
        if roll < 0.75:
            return f"{self.list(depth - 1)}[{self.number(0)}]"
        if roll < 0.85:
            return f"{self.map(depth - 1)}.{self.one('abc')}"
        if roll < 0.9 and self.locals:
            return self.one(self.locals)
        return self.one(["V_TEXT", "V_NUM", "V_LIST", "V_MAP", "V_BOOL", "global", "f(1)"])

    def text(self, depth):
        if depth <= 0:
            return '"' + self.one(TEXTS) + '"'
        roll = self.random.random()
        if roll < 0.35:
            parts = [self.one([self.one(TEXTS), "${" + self.any(depth - 1) + "}",
                               "%{ if " + self.truth(depth - 1) + " ~} y %{~ else } n %{ endif }",
                               "%{ for k, v in " + self.list(depth - 1) + " }${k}%{ endfor }"])
                     for _ in range(self.random.randint(1, 3))]
            return '"' + "".join(parts) + '"'
        return self.common(depth, "t")

    def number(self, depth):
        if depth <= 0:
            return self.one(NUMBERS)
        roll = self.random.random()
        if roll < 0.35:
            return f"({self.number(depth - 1)} {self.one('+-*/%')} {self.number(depth - 1)})"
        if roll < 0.4:
            return "-" + self.number(0)
        return self.common(depth, "n")

    def truth(self, depth):
        if depth <= 0:
            return self.one(["true", "false"])
        roll = self.random.random()
        if roll < 0.3:
            return f"({self.any(depth - 1)} {self.one(['==', '!='])} {self.any(depth - 1)})"
        if roll < 0.5:
            return f"({self.number(depth - 1)} {self.one(['<', '>', '<=', '>='])} {self.number(depth - 1)})"
        if roll < 0.7:
            return f"({self.truth(depth - 1)} {self.one(['&&', '||'])} {self.truth(depth - 1)})"
        if roll < 0.75:
            return "!" + self.truth(0)
        return self.common(depth, "b")

    def loop(self, depth, make):
        name = self.one("xyz")
        collection = self.of(self.one("lm"), depth - 1)
        self.locals += [name, "k"]
        body = make()
        condition = f" if {self.truth(depth - 1)}" if self.random.random() < 0.3 else ""
        self.locals = self.locals[:-2]
        return f"for k, {name} in {collection} : {body}", condition

    def list(self, depth):
        if depth <= 0:
            kind = self.one("tn")
            return "[" + ", ".join(self.of(kind, 0) for _ in range(self.random.randint(0, 3))) + "]"
        roll = self.random.random()
        if roll < 0.3:
            return "[" + ", ".join(self.any(depth - 1) for _ in range(self.random.randint(0, 3))) + "]"
        if roll < 0.45:
            head, condition = self.loop(depth, lambda: self.any(depth - 1))
            return f"[{head}{condition}]"
        if roll < 0.55:
            return f"{self.list(depth - 1)}{self.one(['[*]', '.*.a', '[*].a'])}"
        return self.common(depth, "l")

    def map(self, depth):
        if depth <= 0:
            return "{" + ", ".join(f"{key} = {self.of(self.one('tn'), 0)}"
                                   for key in self.random.sample("abc", self.random.randint(0, 3))) + "}"
        roll = self.random.random()
        if roll < 0.35:
            return "{" + ", ".join(f"{key} = {self.any(depth - 1)}"
                                   for key in self.random.sample("abc", self.random.randint(0, 3))) + "}"
        if roll < 0.5:
            group = "..." if self.random.random() < 0.3 else ""
            head, condition = self.loop(depth, lambda: f"{self.text(depth - 1)} => {self.any(depth - 1)}")
            return "{" + head + group + condition + "}"
        return self.common(depth, "m")


HEAD = """
variable "V_TEXT" { default = "text" }
variable "V_NUM" { default = 3 }
variable "V_LIST" {
  type = list(string)
  default = ["p", "q"]
}
variable "V_MAP" {
  type = map(number)
  default = { a = 1, b = 2 }
}
variable "V_BOOL" { default = true }
global = ["g", 1]
function "f" {
  params = [x]
  result = [x, "${x}!"]
}
"""


def expressions_file(seed: int, count: int) -> tuple[str, list[str]]:
    generator = Generator(seed)
    expressions = [generator.any(generator.random.randint(1, 4)) for _ in range(count)]
    lines = [f'    e{i} = try(jsonencode({text}), "ERROR")' for i, text in enumerate(expressions)]
    return HEAD + 'target "default" {\n  args = {\n' + "\n".join(lines) + "\n  }\n}\n", expressions


TOKENS = ['"', "${", "}", "{", "[", "]", "(", ")", "=", ",", "\n", " ", "null", "true", "1", ".", "*", "[*]", "target.app.tags",
          "...", ":", "?", "<<EOT\n", "EOT\n", "%{ if true }", "~", "#", "//", "/*", "*/", "-", "$", "%", "\\", "é",
          "matrix = { x = [1] }\n", "name = \"n\"\n", "inherits = [\"app\"]\n", "if", "for", "in", "=>", "&&", "FOO"]


def compare_expressions(comparison: Comparison, folder: pathlib.Path, seed: int) -> None:
    options = comparison.options
    text, expressions = expressions_file(seed, options.expressions)
    (folder / "docker-bake.hcl").write_text(text)
    theirs, their_error = print_targets(options.buildx, folder, "docker-bake.hcl")
    ours, our_error = print_targets(options.slipway, folder, "docker-bake.hcl")
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        if type(ours) is not type(theirs):
            comparison.tell(f"seed {seed}: slipway: {our_error or 'accepts'}", f"buildx: {their_error or 'accepts'}")
        return
    for i, expression in enumerate(expressions):
        mine, other = (each["target"]["default"].get("args", {}).get(f"e{i}") for each in (ours, theirs))
        comparison.compared += 1
        if mine != other:
            comparison.tell(f"seed {seed}: {expression}", f"  slipway: {mine}", f"  buildx:  {other}")


def main() -> int:
    parser = arguments(__doc__, "buildx")
    parser.add_argument("--files", type=int, default=20, help="files of expressions")
    parser.add_argument("--expressions", type=int, default=60, help="in each of them")
    options = parser.parse_args()
    need(options.buildx)
    comparison = Comparison(options)
    with tempfile.TemporaryDirectory(prefix="fuzz-bake-") as folder:
        for seed in range(options.seed, options.seed + options.files):
            compare_expressions(comparison, pathlib.Path(folder), seed)
    compare_mutations(comparison, "*/*.hcl", "docker-bake.hcl", TOKENS, targets=["*"])
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
