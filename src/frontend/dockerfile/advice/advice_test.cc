#include "frontend/dockerfile/advice/advice.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Directories end in "/"; sizes in bytes.
class FakeFiles : public ContextFiles {
 public:
  bool is_file(const std::string& path) override { return sizes.contains(path); }
  bool is_directory(const std::string& path) override { return sizes.contains(path + "/"); }
  std::optional<std::string> read(const std::string&, size_t) override { return std::nullopt; }
  std::vector<Directory> left_out_of_git() override { return {}; }
  uint64_t bytes(const std::string&) override {
    uint64_t total = 0;
    for (const auto& [path, size] : sizes) total += size;
    return total;
  }
  std::vector<Directory> by_products() override {
    std::vector<Directory> found;
    if (sizes.contains("node_modules/")) found.push_back({"node_modules", sizes["node_modules/"]});
    return found;
  }
  std::map<std::string, uint64_t> sizes;
};

struct Given {
  std::string target;
  const ImageConfig* image = nullptr;
  ContextFiles* files = nullptr;
  CheckOptions options;
};

std::vector<Finding> advised(const std::string& text, const Given& given = {}) {
  const auto dockerfile = parse_dockerfile(text, "Dockerfile");
  EXPECT_TRUE(dockerfile) << text;
  std::vector<Finding> findings;
  if (dockerfile) {
    advise({*dockerfile, given.target, given.image, given.files}, Linter(given.options, findings));
  }
  return findings;
}

// "RULE line" of a Dockerfile that goes on after "FROM debian:12".
std::vector<std::string> found(const std::string& rest, const Given& given = {}) {
  std::vector<std::string> lines;
  for (const Finding& finding : advised("FROM debian:12\n" + rest, given)) {
    lines.push_back(fmt::format("{} {}", finding.rule.name, finding.span.first_line));
  }
  return lines;
}

std::vector<std::string> details(const std::string& rest) {
  std::vector<std::string> texts;
  for (const Finding& finding : advised("FROM debian:12\n" + rest)) texts.push_back(finding.detail);
  return texts;
}

constexpr char kPip[] = "RUN --mount=type=cache,target=/root/.cache/pip pip install ";

TEST(Advice, DependenciesAreInstalledBeforeTheSource) {
  const std::string install = std::string(kPip) + "-r requirements.txt\n";
  EXPECT_THAT(found("COPY . .\n" + install), ElementsAre("DependenciesAfterSource 3"));
  EXPECT_THAT(found("COPY . .\n" + std::string(kPip) + "gunicorn\n"), IsEmpty());
  EXPECT_THAT(found("COPY requirements.txt .\n" + install + "COPY . .\n"), IsEmpty());
  EXPECT_THAT(found("COPY --from=x . .\n" + install), IsEmpty());
  EXPECT_THAT(found("COPY src src\nRUN --mount=type=cache,target=/root/.npm npm ci\n"),
              ElementsAre("DependenciesAfterSource 3"));
}

TEST(Advice, ProjectsBringTheirDependencies) {
  EXPECT_THAT(found("COPY . .\n" + std::string(kPip) + ".[web]\n"),
              ElementsAre("DependenciesAfterSource 3"));
  const std::string cargo = "RUN --mount=type=cache,target=/root/.cargo/registry ";
  EXPECT_THAT(found("COPY . .\n" + cargo + "cargo build\n"),
              ElementsAre("DependenciesAfterSource 3"));
  EXPECT_THAT(found("COPY . .\n" + cargo + "--mount=type=cache,target=/app/target cargo build\n"),
              IsEmpty());
}

TEST(Advice, ProjectsMayBeInstalledAfterTheirDependencies) {
  const std::string uv = "RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen";
  EXPECT_THAT(found("COPY uv.lock .\n" + uv + " --no-install-project\nCOPY . .\n" + uv + "\n"),
              IsEmpty());
}

TEST(Advice, TheSourceMayHaveComeWithTheBaseStage) {
  EXPECT_THAT(found("WORKDIR /a\nCOPY . .\nFROM debian:12 AS b\nCOPY . .\nFROM b\n"
                    "RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen\n"),
              ElementsAre("DependenciesAfterSource 7"));
}

TEST(Advice, PackageManagersHaveCacheMounts) {
  EXPECT_THAT(found("RUN pip install x\n"), ElementsAre("PackageManagerWithoutCacheMount 2"));
  EXPECT_THAT(
      found("RUN python3 -m pip install --no-cache-dir x && apt-get update && "
            "apt-get -y install y\n"),
      ElementsAre("PackageManagerWithoutCacheMount 2", "PackageManagerWithoutCacheMount 2"));
  EXPECT_THAT(found(std::string(kPip) + "x\n"), IsEmpty());
  EXPECT_THAT(found("RUN --mount=type=cache,target=/root/.cache pip install x\n"), IsEmpty());
  EXPECT_THAT(found("RUN --mount=type=cache,target=$CACHE pip install x\n"), IsEmpty());
  EXPECT_THAT(found("ENV UV_CACHE_DIR=/c\nRUN --mount=type=cache,target=/c uv sync\n"), IsEmpty());
  EXPECT_THAT(found("RUN echo pip install x\n"), IsEmpty());
  EXPECT_THAT(found("RUN apk add --no-cache x\n"),
              ElementsAre("PackageManagerWithoutCacheMount 2"));
  EXPECT_THAT(found("RUN --mount=type=cache,target=/etc/apk/cache apk add x\n"), IsEmpty());
  EXPECT_THAT(found("RUN bundle install\n"), IsEmpty());
  EXPECT_THAT(found("SHELL [\"powershell\"]\nRUN pip install x\n"), IsEmpty());
}

TEST(Advice, CacheMountsAreUsed) {
  EXPECT_THAT(details(std::string(kPip) + "--no-cache-dir x\n"),
              ElementsAre(HasSubstr("pip is told not to cache (--no-cache-dir)")));
  EXPECT_THAT(details("ENV PIP_NO_CACHE_DIR=1\n" + std::string(kPip) + "x\n"),
              ElementsAre(HasSubstr("PIP_NO_CACHE_DIR")));
  EXPECT_THAT(details("RUN --mount=type=cache,target=~/.cache/pip pip install x\n"),
              ElementsAre(HasSubstr("\"~\" is no home directory")));
  EXPECT_THAT(details("RUN --mount=type=cache,target=/home/app/.cache/pip pip install x\n"),
              ElementsAre(HasSubstr("pip caches below /root")));
  EXPECT_THAT(found("USER app\nRUN --mount=type=cache,target=/home/app/.cache/pip pip install x\n"),
              IsEmpty());
}

TEST(Advice, AptKeepsItsArchivesInACacheMount) {
  const std::string mounts =
      "RUN --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt ";
  EXPECT_THAT(details(mounts + "apt-get update && apt-get install -y x\n"),
              ElementsAre(HasSubstr("docker-clean")));
  EXPECT_THAT(found(mounts + "rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && "
                             "apt-get install -y x\n"),
              IsEmpty());
  EXPECT_THAT(found("RUN rm -f /etc/apt/apt.conf.d/docker-clean\n" + mounts +
                    "apt-get update && apt-get install -y x\n"),
              IsEmpty());
  EXPECT_THAT(details(mounts + "rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && "
                               "apt-get install -y x && rm -rf /var/lib/apt/lists/*\n"),
              ElementsAre(HasSubstr("empties the cache mounted at /var/lib/apt")));
}

TEST(Advice, ListsAreFetchedWhereTheyAreUsed) {
  EXPECT_THAT(found("RUN apt-get update\n"), ElementsAre("AptUpdateAlone 2"));
  EXPECT_THAT(details("RUN apt-get update && apt-get install -y a\nRUN apt-get install -y b\n"),
              testing::Contains(HasSubstr("lists of an earlier RUN")));
}

TEST(Advice, LayersAreWorthTheirSpace) {
  EXPECT_THAT(found("COPY a /app/\nRUN chown -R app /app\n"), ElementsAre("NeedlessLayer 3"));
  EXPECT_THAT(found("COPY a /app/\nRUN chmod +x /app/a && /app/a\n"), IsEmpty());
  EXPECT_THAT(found("COPY a /app/\nRUN chown app /other\n"), IsEmpty());
  EXPECT_THAT(found("RUN rm -rf /var/lib/apt/lists/*\n"), ElementsAre("NeedlessLayer 2"));
  EXPECT_THAT(found("RUN apt-get clean && rm -rf /tmp/x\n"), ElementsAre("NeedlessLayer 2"));
  EXPECT_THAT(found("RUN rm /etc/nginx/conf.d/default.conf\n"), IsEmpty());
  EXPECT_THAT(found("RUN rm -rf /tmp/x\nFROM debian:12\n"), IsEmpty());
}

TEST(Advice, SecretsStayOut) {
  EXPECT_THAT(found("COPY .env id_rsa.pub /\n"), ElementsAre("SecretInLayer 2"));
  EXPECT_THAT(found("RUN git clone https://me:secret@example.com/x\n"),
              ElementsAre("SecretInLayer 2"));
  EXPECT_THAT(found("RUN git clone https://me:$TOKEN@example.com/x\n"), IsEmpty());
  FakeFiles files;
  files.sizes = {{".env", 10}};
  EXPECT_THAT(found("COPY . .\n", {.files = &files}), ElementsAre("SecretInLayer 2"));
}

TEST(Advice, TheContextIsWhatIsNeeded) {
  FakeFiles files;
  files.sizes = {{"node_modules/", 200'000'000}, {"src/", 1000}};
  const auto findings = advised("FROM debian:12\nCOPY . .\n", {.files = &files});
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].rule.name, "LargeDirectoryNotIgnored");
  EXPECT_THAT(findings[0].cost, HasSubstr("200MB"));
  EXPECT_EQ(findings[1].rule.name, "LargeLayerChangesOften");
  EXPECT_THAT(found("COPY src /src\n", {.files = &files}), IsEmpty());
}

TEST(Advice, AddIsForArchivesAndAddresses) {
  EXPECT_THAT(found("ADD a /\n"), ElementsAre("AddInsteadOfCopy 2"));
  EXPECT_THAT(found("ADD a.tar.gz /\nADD https://x/y /\nADD $A /\nADD git@github.com:a/b.git /\n"),
              IsEmpty());
}

TEST(Advice, BasesAreNamedWithAVersion) {
  const auto names = [](const std::string& from) { return advised(from + "\n").size(); };
  EXPECT_EQ(names("FROM debian"), 1u);
  EXPECT_EQ(names("FROM debian:latest"), 1u);
  EXPECT_EQ(names("FROM debian:12"), 0u);
  EXPECT_EQ(names("FROM scratch"), 0u);
  EXPECT_EQ(names("ARG B=debian\nFROM $B"), 0u);
  EXPECT_EQ(names("FROM debian:12 AS base\nFROM base"), 0u);
}

TEST(Advice, ServicesDoNotRunAsRoot) {
  ImageConfig image;
  EXPECT_THAT(found("CMD [\"x\"]\n", {.image = &image}), ElementsAre("RootAtRunTime 2"));
  EXPECT_THAT(found("RUN x\n", {.image = &image}), IsEmpty());
  image.config.user = "app";
  EXPECT_THAT(found("CMD [\"x\"]\n", {.image = &image}), IsEmpty());
}

TEST(Advice, CanBeSkipped) {
  EXPECT_THAT(found("# check=skip=AddInsteadOfCopy\nADD a /\nADD b /\n"),
              ElementsAre("AddInsteadOfCopy 4"));
  EXPECT_THAT(found("ADD a /\n", {.options = *CheckOptions::parse("skip=AddInsteadOfCopy")}),
              IsEmpty());
}

TEST(Advice, HasNothingToSayOfMorgansDockerfiles) {
  namespace fs = std::filesystem;
  ImageConfig image;
  image.config.user = "morgan";
  int files = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(SLIPWAY_SOURCE_DIR) / "morgan")) {
    if (entry.path().filename() != "Dockerfile") continue;
    ++files;
    for (const Finding& finding : advised(read_text(entry.path()), {.image = &image})) {
      ADD_FAILURE() << entry.path() << ":" << finding.span.first_line << ": " << finding.rule.name
                    << ": " << finding.detail;
    }
  }
  EXPECT_EQ(files, 4);
}

TEST(Advice, SurvivesOtherPeoplesFiles) {
  const auto folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "no conformance data beside the repository";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() != ".lint") continue;
    const auto file = std::filesystem::path(entry.path()).replace_extension();
    const auto dockerfile = parse_dockerfile(read_text(file), file.string());
    if (!dockerfile) continue;
    std::vector<Finding> findings;
    advise({*dockerfile, "", nullptr, nullptr}, Linter({}, findings));
    for (const Finding& finding : findings) {
      EXPECT_GT(finding.span.first_line, 0);
    }
  }
}

}  // namespace
}  // namespace slipway::dockerfile
