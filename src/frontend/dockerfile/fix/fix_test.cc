#include "frontend/dockerfile/fix/fix.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/fix/memory_files.h"

namespace slipway::dockerfile {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kFrom = "FROM debian:12\nWORKDIR /app\n";

// The plan for a Dockerfile that goes on after kFrom. Planned again it changes nothing, and its
// edits make the same of the original.
FixPlan plan(const std::string& rest, MemoryFiles files = {}, const std::string& options = "") {
  FixInput input{kFrom + rest, "Dockerfile", "", nullptr, &files, *CheckOptions::parse(options)};
  auto planned = plan_fixes(input);
  EXPECT_TRUE(planned) << rest;
  if (!planned) return {};
  EXPECT_EQ(apply_edits(input.text, planned->edits), planned->text);
  input.text = planned->text;
  EXPECT_EQ(plan_fixes(input)->text, planned->text);
  return *planned;
}

// What comes after kFrom when it is fixed.
std::string fixed(const std::string& rest, MemoryFiles files = {}) {
  const std::string text = plan(rest, std::move(files)).text;
  return text.starts_with(kFrom) ? text.substr(kFrom.size()) : text;
}

// Why the first thing is left, which must not be changed.
std::string why_left(const std::string& rest, MemoryFiles files = {}) {
  const FixPlan planned = plan(rest, std::move(files), "skip=PackageManagerWithoutCacheMount");
  EXPECT_EQ(planned.text, kFrom + rest);
  return planned.left.empty() ? "" : planned.left[0].why;
}

MemoryFiles python() {
  return MemoryFiles{{"requirements.txt", "requests==2\n# x\n-c constraints.txt\n"},
                     {"constraints.txt", "idna<4\n"},
                     {"app/main.py", ""}};
}

constexpr char kPipMount[] = "RUN --mount=type=cache,target=/root/.cache/pip \\\n    ";

TEST(FixOrder, CopiesTheRequirementsFirst) {
  EXPECT_EQ(fixed("# The source\nCOPY . .\nRUN pip install -r requirements.txt\nCMD x\n", python()),
            std::string("COPY requirements.txt constraints.txt ./\n") + kPipMount +
                "pip install -r requirements.txt\n\n# The source\nCOPY . .\nCMD x\n");
}

TEST(FixOrder, WritesDestinationsAsTheCopyDoes) {
  EXPECT_THAT(
      fixed("COPY --chown=app --link . /srv\nRUN cd /srv && pip install -r requirements.txt\n",
            python()),
      HasSubstr("COPY --chown=app --link requirements.txt constraints.txt /srv/\n"));
}

TEST(FixOrder, SeesWhatStandsBetween) {
  EXPECT_THAT(fixed("COPY . /app\nENV A=b\nRUN apt-get update && apt-get install -y curl\n"
                    "RUN pip install -r requirements.txt\n",
                    python()),
              HasSubstr("COPY . /app\n"));
  EXPECT_THAT(why_left("COPY . .\nRUN make x\nRUN pip install -r requirements.txt\n", python()),
              HasSubstr("\"make x\" (line 4) may use the source"));
  EXPECT_THAT(why_left("COPY . .\nWORKDIR x\nRUN pip install -r requirements.txt\n", python()),
              HasSubstr("requirements.txt is not a file of the context"));
  EXPECT_THAT(why_left("COPY . .\nWORKDIR x\nRUN pip install -r ../requirements.txt\n", python()),
              HasSubstr("WORKDIR (line 4)"));
  EXPECT_THAT(why_left("COPY . .\nCOPY --from=debian /x ./\nRUN pip install -r requirements.txt\n",
                       python()),
              HasSubstr("line 4 may write where the source goes"));
}

TEST(FixOrder, SplitsWhatNeedsTheSource) {
  EXPECT_EQ(plan("COPY . .\nRUN pip install -r requirements.txt \\\n && python setup.py build\n",
                 python(), "skip=PackageManagerWithoutCacheMount")
                .text,
            kFrom +
                "COPY requirements.txt constraints.txt ./\nRUN pip install -r requirements.txt\n"
                "COPY . .\nRUN python setup.py build\n");
  EXPECT_THAT(why_left("COPY . .\nRUN pip install -r requirements.txt; make\n", python()),
              HasSubstr("cannot be told apart"));
}

TEST(FixOrder, DoesNotTrustRequirementsOfTheSource) {
  MemoryFiles files = python();
  for (const char* line : {"-e .", "./pkg", "pkg @ file:///app/pkg", "-f wheels", "a/b.whl"}) {
    files.files["requirements.txt"] = std::string(line) + "\n";
    EXPECT_THAT(why_left("COPY . .\nRUN pip install -r requirements.txt\n", files),
                HasSubstr("requirements.txt"))
        << line;
  }
  EXPECT_THAT(why_left("COPY . .\nRUN pip install .\n", files), HasSubstr("together"));
  EXPECT_THAT(why_left("COPY . .\nRUN pip install -r $(ls *.txt)\n", files),
              HasSubstr("not known"));
}

// They look where they always do, and name nothing of the source.
TEST(FixOrder, LeavesWhatOtherStepsReadByThemselves) {
  MemoryFiles files = python();
  files.files["ca.crt"] = files.files["pip.conf"] = "";
  EXPECT_THAT(why_left("COPY . .\nCOPY ca.crt /usr/local/share/ca-certificates/\n"
                       "RUN update-ca-certificates && pip install -r requirements.txt\n",
                       files),
              HasSubstr("line 4 copies to /usr/local/share/ca-certificates"));
  EXPECT_THAT(
      why_left("COPY . .\nCOPY pip.conf /etc/pip.conf\nRUN pip install -r requirements.txt\n",
               files),
      HasSubstr("line 4 copies to /etc/pip.conf"));
  EXPECT_THAT(why_left("COPY . .\nCOPY pip.conf /root/.config/pip/\n"
                       "RUN pip install -r requirements.txt\n",
                       files),
              HasSubstr("/root/.config/pip"));
  files.files["etc/apt/sources.list"] = "";
  EXPECT_THAT(why_left("COPY . /\nRUN apt-get update && apt-get install -y python3-pip && "
                       "pip install -r /requirements.txt\n",
                       files),
              HasSubstr("/etc comes with the source"));
}

TEST(FixOrder, LeavesWhatVariablesName) {
  for (const char* set : {"ENV PIP_CONSTRAINT=/app/c.txt\n", "ENV UV_CONFIG_FILE=/app/uv.toml\n",
                          "ENV GOFLAGS=-modfile=x.mod\n"}) {
    EXPECT_THAT(
        why_left(std::string(set) + "COPY . .\nRUN pip install -r requirements.txt\n", python()),
        HasSubstr("may name files of the source"))
        << set;
  }
  EXPECT_THAT(
      why_left("COPY . .\nRUN PIP_CONSTRAINT=c.txt pip install -r requirements.txt\n", python()),
      HasSubstr("PIP_CONSTRAINT"));
  EXPECT_THAT(why_left("COPY . .\nRUN PIP_CONSTRAINT=c.txt pip install a\n"
                       "RUN pip install -r requirements.txt\n",
                       python()),
              HasSubstr("(line 4) may use the source"));
}

TEST(FixOrder, PutsManifestsWhereTheirDestinationMeansTheSame) {
  MemoryFiles files{{"src/a.js", ""},
                    {"package.json", "{}"},
                    {"package-lock.json", "{}"},
                    {"tsconfig.json", "{}"}};
  EXPECT_THAT(fixed("COPY src /srv/x/src\nWORKDIR /srv/x\n"
                    "COPY package.json package-lock.json tsconfig.json ./\nRUN npm ci\n",
                    files),
              testing::StartsWith("WORKDIR /srv/x\nCOPY package.json package-lock.json ./\nRUN"));
}

TEST(FixOrder, KnowsWhatMakesHomes) {
  EXPECT_THAT(why_left("WORKDIR /home/app\nCOPY . .\nRUN useradd -m app\n"
                       "RUN pip install -r requirements.txt\n",
                       python()),
              HasSubstr("/home/app of the context"));
  EXPECT_THAT(
      why_left("COPY . .\nRUN useradd -m -d /app app\nRUN pip install -r requirements.txt\n",
               python()),
      HasSubstr("may use the source"));
  EXPECT_THAT(fixed("COPY . .\nRUN useradd -m -u 10001 app\nRUN pip install -r requirements.txt\n",
                    python()),
              HasSubstr("COPY requirements.txt"));
}

TEST(FixOrder, KnowsWhatElseReadsOrWritesTheSource) {
  MemoryFiles files = python();
  EXPECT_THAT(why_left("COPY . .\nRUN pip install --prefix=. -r requirements.txt\n", files),
              HasSubstr("of the context would be copied over"));
  EXPECT_THAT(fixed("COPY . .\nRUN pip install --prefix /install -r requirements.txt\n", files),
              HasSubstr("COPY requirements.txt"));
  EXPECT_THAT(why_left("COPY . .\nRUN true > app/x\nRUN pip install -r requirements.txt\n", files),
              HasSubstr("not known"));
  EXPECT_THAT(fixed("COPY . .\nRUN apt-get update >/dev/null 2>&1\nRUN pip install 'a>=1' -r "
                    "requirements.txt\n",
                    files),
              HasSubstr("COPY requirements.txt"));
  EXPECT_THAT(why_left("COPY . .\nRUN <<EOF\ntrue > app/x\nEOF\n"
                       "RUN pip install -r requirements.txt\n",
                       files),
              HasSubstr("not known"));
  EXPECT_THAT(
      why_left("COPY . .\nRUN corepack prepare --activate\nRUN pip install -r requirements.txt\n",
               files),
      HasSubstr("corepack"));
  files.files[".python-version"] = "3.11";
  EXPECT_THAT(why_left("COPY . .\nRUN uv venv /venv\nRUN pip install -r requirements.txt\n", files),
              HasSubstr("uv venv"));
}

TEST(FixOrder, ReadsRequirementsAsPipDoes) {
  MemoryFiles files = python();
  // A comment ends with its line; a last line may go on with nothing.
  files.files["requirements.txt"] = "# see \\\n-r more.txt\na \\\n# c\n-r last.txt\\";
  files.files["more.txt"] = files.files["last.txt"] = "b\n";
  EXPECT_THAT(fixed("COPY . .\nRUN pip install -r requirements.txt\n", files),
              testing::StartsWith("COPY requirements.txt more.txt last.txt ./\n"));
  files.files["requirements.txt"] = "pkg-1.0.tar.bz2\n";
  EXPECT_THAT(why_left("COPY . .\nRUN pip install -r requirements.txt\n", files),
              HasSubstr("installs from the source"));
}

TEST(FixOrder, LooksAtSettingsAndProjectsAbove) {
  const char* npm = "COPY . /app\nWORKDIR /app/web\nRUN npm ci\n";
  MemoryFiles node{{"web/package.json", "{}"}, {"web/package-lock.json", "{}"}};
  EXPECT_THAT(fixed(npm, node),
              HasSubstr("COPY web/package.json web/package-lock.json /app/web/\n"));
  node.files["package.json"] = R"({"workspaces": ["web"]})";
  EXPECT_THAT(why_left(npm, node), HasSubstr("workspace"));
  const MemoryFiles go{{"a/go.mod", "module a\n"}, {"go.work", "use ./a\n"}};
  EXPECT_THAT(why_left("COPY . /app\nWORKDIR /app/a\nRUN go mod download\n", go),
              HasSubstr("go.work"));
  MemoryFiles files = python();
  files.files["pyproject.toml"] = "[tool.uv]\nindex-url = \"https://index\"\n";
  EXPECT_THAT(fixed("COPY . .\nRUN uv pip install -r requirements.txt\n", files),
              testing::StartsWith("COPY requirements.txt constraints.txt pyproject.toml ./\n"));
  files.files["pyproject.toml"] = "[tool.uv]\nfind-links = [\"wheels\"]\n";
  EXPECT_THAT(why_left("COPY . .\nRUN uv pip install -r requirements.txt\n", files),
              HasSubstr("uv's settings"));
  const MemoryFiles flex{{"composer.json", "{}"}, {"composer.lock", "{}"}, {"symfony.lock", "{}"}};
  EXPECT_THAT(fixed("COPY . .\nRUN composer install\n", flex),
              HasSubstr("COPY composer.json composer.lock symfony.lock ./\n"));
  const MemoryFiles yarn{
      {"package.json", "{}"}, {"yarn.lock", ""}, {".yarnrc", "yarn-path \".y/y.js\"\n"}};
  EXPECT_THAT(why_left("COPY . .\nRUN yarn install --frozen-lockfile\n", yarn),
              HasSubstr(".yarnrc"));
}

MemoryFiles uv(const std::string& source = "virtual") {
  return MemoryFiles{
      {"core/pyproject.toml", "[project]\nname = \"core\"\n"},
      {"core/uv.lock", "[[package]]\nname = \"core\"\nsource = { " + source + " = \".\" }\n"},
      {"core/a.py", ""}};
}

TEST(FixOrder, MountsWhatUvReads) {
  EXPECT_EQ(fixed("COPY . .\nRUN uv sync --frozen --project core\n", uv()),
            "RUN --mount=type=cache,target=/root/.cache/uv \\\n"
            "    --mount=type=bind,source=core/pyproject.toml,target=core/pyproject.toml \\\n"
            "    --mount=type=bind,source=core/uv.lock,target=core/uv.lock \\\n"
            "    uv sync --frozen --project core\nCOPY . .\n");
}

TEST(FixOrder, InstallsAProjectAfterItsDependencies) {
  EXPECT_EQ(
      fixed("WORKDIR /app/core\nCOPY . /app\nRUN pip install uv && uv sync --locked --no-dev\n",
            uv("editable")),
      "WORKDIR /app/core\n"
      "RUN --mount=type=cache,target=/root/.cache/pip \\\n"
      "    --mount=type=cache,target=/root/.cache/uv \\\n"
      "    --mount=type=bind,source=core/pyproject.toml,target=pyproject.toml \\\n"
      "    --mount=type=bind,source=core/uv.lock,target=uv.lock \\\n"
      "    pip install uv && uv sync --no-install-project --locked --no-dev\n"
      "COPY . /app\n"
      "RUN --mount=type=cache,target=/root/.cache/uv \\\n"
      "    uv sync --locked --no-dev\n");
}

TEST(FixOrder, LeavesWhatUvHasToBuildOrFindInTheSource) {
  MemoryFiles dynamic = uv("editable");
  dynamic.files["core/pyproject.toml"] += "dynamic = [\"version\"]\n";
  EXPECT_THAT(why_left("COPY . .\nRUN uv sync --locked --project core\n", dynamic),
              HasSubstr("dynamic"));
  MemoryFiles wheels = uv();
  wheels.files["core/uv.lock"] += "[[package]]\nname = \"a\"\nsource = { registry = \"wheels\" }\n";
  EXPECT_THAT(why_left("COPY . .\nRUN uv sync --frozen --project core\n", wheels),
              HasSubstr("uv.lock takes a from the source"));
}

TEST(FixOrder, CopiesWhatUvMayWrite) {
  const std::string text = fixed("COPY . .\nRUN uv sync --project core\n", uv());
  EXPECT_THAT(text, HasSubstr("COPY core/pyproject.toml core/uv.lock core/\n"));
  EXPECT_THAT(text, HasSubstr("uv sync --no-install-project --project core\nCOPY . .\nRUN"));
}

TEST(FixOrder, LooksForWhatTheInstallMakes) {
  MemoryFiles files{{"package.json", "{}"}, {"package-lock.json", "{}"}};
  EXPECT_THAT(fixed("COPY . .\nRUN npm ci && npm run build\n", files),
              HasSubstr("COPY package.json package-lock.json ./\n"));
  files.files["node_modules/a/b"] = "";
  EXPECT_THAT(why_left("COPY . .\nRUN npm ci\n", files), HasSubstr("node_modules of the context"));
}

TEST(FixOrder, ReadsPackageJson) {
  for (const char* text : {R"({"scripts": {"postinstall": "x"}})", R"({"workspaces": ["a"]})", "[",
                           R"({"dependencies": {"a": "file:../a"}})"}) {
    const MemoryFiles files{{"package.json", text}, {"package-lock.json", "{}"}};
    EXPECT_THAT(why_left("COPY . .\nRUN npm ci\n", files), HasSubstr("package.json")) << text;
  }
}

TEST(FixOrder, KnowsOtherManagers) {
  const MemoryFiles go{{"go.mod", "module x\n"}, {"go.sum", ""}};
  EXPECT_THAT(plan("COPY . .\nRUN go mod download\n", go).text,
              HasSubstr("COPY go.mod go.sum ./\n"));
  const MemoryFiles local{{"go.mod", "module x\nreplace a => ../a\n"}};
  EXPECT_THAT(why_left("COPY . .\nRUN go mod download\n", local), HasSubstr("go.mod replaces"));
  const MemoryFiles poetry{{"pyproject.toml", ""}, {"poetry.lock", ""}};
  EXPECT_THAT(fixed("COPY . .\nRUN poetry install --only main\n", poetry),
              HasSubstr("poetry install --no-root --only main\nCOPY . .\nRUN"));
  const MemoryFiles bundler{{"Gemfile", "gem \"a\"\n"}, {"Gemfile.lock", ""}};
  EXPECT_THAT(fixed("COPY . .\nRUN bundle install\n", bundler),
              HasSubstr("COPY Gemfile Gemfile.lock ./\n"));
  const MemoryFiles composer{{"composer.json", "{}"}, {"composer.lock", "{}"}};
  EXPECT_THAT(fixed("COPY . .\nRUN composer install\n", composer),
              HasSubstr("composer install --no-scripts --no-autoloader\nCOPY . .\nRUN"));
  const MemoryFiles pnpm{{"package.json", "{}"}, {"pnpm-lock.yaml", ""}};
  EXPECT_THAT(fixed("COPY . .\nRUN pnpm install --frozen-lockfile\n", pnpm),
              HasSubstr("COPY package.json pnpm-lock.yaml ./\n"));
  EXPECT_THAT(why_left("COPY . .\nRUN cargo build --release\n"), HasSubstr("cargo-chef"));
}

TEST(FixCaches, KeepsAptsArchives) {
  EXPECT_EQ(fixed("RUN apt-get update && apt-get install -y \\\n      curl \\\n"
                  " && rm -rf /var/lib/apt/lists/*\n"),
            "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\\n"
            "    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \\\n"
            "    rm -f /etc/apt/apt.conf.d/docker-clean \\\n"
            " && apt-get update && apt-get install -y \\\n      curl\n");
}

TEST(FixCaches, LeavesTheListsWhereLaterStepsMayNeedThem) {
  const std::string text =
      fixed("RUN apt-get update && apt-get install -y curl && apt-get clean\n");
  EXPECT_THAT(text, testing::Not(HasSubstr("lists")));
  EXPECT_THAT(text, testing::Not(HasSubstr("clean\n")));
}

// "rm" of what is mounted fails.
TEST(FixCaches, AreNotGivenWhereTheirPlaceIsRemoved) {
  for (const char* remove :
       {"rm -rf /root/.cache", "rm -rf /tmp/x ~/.cache/", "rm -rf $HOME/.cache/*",
        "cd / && rm -r /root", "find /root -delete", "mv /root/.cache /x"}) {
    const FixPlan planned = plan(std::string("RUN pip install a && ") + remove + "\n");
    EXPECT_THAT(planned.fixes, IsEmpty()) << remove;
    ASSERT_FALSE(planned.left.empty()) << remove;
    EXPECT_THAT(planned.left[0].why, HasSubstr("would meet the mount at /root/.cache/pip"))
        << remove;
  }
  EXPECT_EQ(fixed("RUN pip install a && rm -rf /root/* /var/tmp/*\n"),
            std::string(kPipMount) + "pip install a && rm -rf /root/* /var/tmp/*\n");
  EXPECT_EQ(fixed("RUN npm install -g a && rm -rf ~/.npm\n"),
            "RUN --mount=type=cache,target=/root/.npm \\\n    npm install -g a\n");
}

TEST(FixCaches, WhatRemovesFilesOfEarlierStepsStays) {
  const std::string text = fixed(
      "RUN apt-get update && apt-get install -y a\n"
      "RUN apt-get update && apt-get install -y b && rm -rf /var/lib/apt/lists/*\n");
  EXPECT_THAT(text, HasSubstr("install -y b && rm -rf /var/lib/apt/lists/*\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("target=/var/lib/apt/lists")));
  EXPECT_THAT(fixed("RUN <<EOF\napt-get update\napt-get install -y a\nEOF\n"
                    "RUN apt-get update && apt-get install -y b && rm -rf /var/lib/apt/lists/*\n"),
              HasSubstr("install -y b && rm -rf /var/lib/apt/lists/*\n"));
  // Once the first has its mount, nothing is left for the second to remove.
  EXPECT_THAT(fixed("RUN dnf install -y a\nRUN dnf install -y b && dnf clean all\n"),
              testing::Not(HasSubstr("clean")));
  const FixPlan planned = plan(
      "# check=skip=PackageManagerWithoutCacheMount\nRUN dnf install -y a\n"
      "RUN dnf install -y b && dnf clean all\n");
  EXPECT_THAT(planned.fixes, IsEmpty());
}

TEST(FixCaches, TurnsCachesOn) {
  EXPECT_EQ(fixed("RUN pip install --no-cache-dir a && pip install \\\n  --no-cache-dir \\\n  b\n"),
            std::string(kPipMount) + "pip install a && pip install \\\n  b\n");
  EXPECT_EQ(fixed("RUN apk add --no-cache curl\n"),
            "RUN --mount=type=cache,target=/etc/apk/cache,sharing=locked \\\n"
            "    apk add --update-cache curl\n");
  EXPECT_EQ(fixed("RUN dnf install -y a && dnf clean all\n"),
            "RUN --mount=type=cache,target=/var/cache/dnf,sharing=locked \\\n"
            "    --mount=type=cache,target=/var/cache/libdnf5,sharing=locked \\\n"
            "    dnf install -y a --setopt=keepcache=1\n");
}

TEST(FixCaches, GoesIntoHeredocs) {
  EXPECT_EQ(
      fixed("RUN <<EOF\napt-get update\napt-get install -y a\nrm -rf /var/lib/apt/lists/*\nEOF\n"),
      "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\\n"
      "    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked <<EOF\n"
      "rm -f /etc/apt/apt.conf.d/docker-clean\napt-get update\napt-get install -y a\nEOF\n");
}

TEST(FixCaches, RemovesDockerCleanOnceInHeredocs) {
  EXPECT_EQ(fixed("RUN <<EOF\napt-get update\napt-get install -y a\nEOF\n"),
            "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked <<EOF\n"
            "rm -f /etc/apt/apt.conf.d/docker-clean\napt-get update\napt-get install -y a\nEOF\n");
}

TEST(FixCaches, RepairsMounts) {
  EXPECT_EQ(fixed("RUN --mount=type=cache,target=~/.cache/pip pip install --no-cache-dir a\n"),
            "RUN --mount=type=cache,target=/root/.cache/pip pip install a\n");
  EXPECT_EQ(
      fixed("RUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install a\n"),
      "RUN --mount=type=cache,target=/var/cache/apt rm -f /etc/apt/apt.conf.d/docker-clean && "
      "apt-get update && apt-get install a\n");
}

std::string why_no_mount(const std::string& rest, MemoryFiles files = {}) {
  const FixPlan planned = plan(rest, std::move(files));
  EXPECT_EQ(planned.text, kFrom + rest);
  return planned.left.empty() ? "" : planned.left[0].why;
}

TEST(FixCaches, AreNotGivenWhereTheImageCouldChange) {
  EXPECT_THAT(why_no_mount("USER app\nRUN pip install a\n"), HasSubstr("runs as app"));
  EXPECT_THAT(why_no_mount("ENV PIP_NO_CACHE_DIR=1\nRUN pip install a\n"),
              HasSubstr("PIP_NO_CACHE_DIR turns the cache off"));
  EXPECT_THAT(why_no_mount("ENV UV_LINK_MODE=symlink\nRUN uv pip install a\n"),
              HasSubstr("symbolic links"));
  EXPECT_THAT(why_no_mount("RUN yarn install\n"), HasSubstr("yarn 1"));
  EXPECT_THAT(why_no_mount("RUN mvn package\n"), HasSubstr("maven"));
  EXPECT_THAT(why_no_mount("RUN go build -o /x .\nRUN make\n"), HasSubstr("make (line 4)"));
  EXPECT_THAT(why_no_mount("RUN go build -o /x .\n"), HasSubstr("the image may need"));
  EXPECT_THAT(
      why_no_mount("RUN go mod download\nRUN --network=none go build -o /x .\nCMD [\"/x\"]\n"),
      HasSubstr("line 4 has no network"));
  EXPECT_THAT(why_no_mount("RUN yum install -y a\n"), HasSubstr("distribution"));
}

TEST(FixCaches, AreGivenToEachStepThatReadsALibrary) {
  EXPECT_EQ(plan("RUN go mod download\nRUN go build -o /x .\nCMD [\"/x\"]\n").fixes.size(), 2u);
}

TEST(FixAptUpdate, FetchesTheListsWhereTheyAreUsed) {
  const FixPlan planned = plan(
      "RUN apt-get update\nLABEL a=b\nRUN apt-get install -y a\nRUN "
      "A=1 apt-get install -y b\n",
      {}, "skip=PackageManagerWithoutCacheMount");
  EXPECT_EQ(planned.text, kFrom +
                              "LABEL a=b\nRUN apt-get update && apt-get install -y a\n"
                              "RUN apt-get update && A=1 apt-get install -y b\n");
}

TEST(FixAdd, CopiesWhatIsNoArchive) {
  MemoryFiles files{{"a", "text"}, {"d/x", ""}, {"z", "\x1f\x8b\x08"}, {"p", "\x50\x2a\x4d\x18"}};
  EXPECT_EQ(fixed("ADD --chown=1 a d /x/\nadd a /y\n", files),
            "COPY --chown=1 a d /x/\ncopy a /y\n");
  EXPECT_THAT(why_left("ADD z /\n", files), HasSubstr("looks like an archive"));
  EXPECT_THAT(why_left("ADD p /\n", files), HasSubstr("looks like an archive"));
  EXPECT_THAT(why_left("ADD gone /\n", files), HasSubstr("not in the context"));
}

TEST(Fix, HonoursCommentsAndOptions) {
  MemoryFiles files{{"a", "text"}};
  EXPECT_EQ(fixed("# check=skip=AddInsteadOfCopy\nADD a /\n", files),
            "# check=skip=AddInsteadOfCopy\nADD a /\n");
  EXPECT_THAT(plan("ADD a /\n", files, "skip=AddInsteadOfCopy").fixes, IsEmpty());
}

TEST(Fix, KeepsLineEndsAndEscapes) {
  FixInput input{"# escape=`\r\nFROM debian:12\r\nRUN pip install `\r\n  a\r\n",
                 "Dockerfile",
                 "",
                 nullptr,
                 nullptr,
                 {}};
  EXPECT_EQ(plan_fixes(input)->text,
            "# escape=`\r\nFROM debian:12\r\nRUN --mount=type=cache,target=/root/.cache/pip `\r\n"
            "    pip install `\r\n  a\r\n");
}

TEST(Fix, WorksWithoutALastNewline) {
  EXPECT_EQ(fixed("COPY . .\nRUN pip install -r requirements.txt", python()),
            std::string("COPY requirements.txt constraints.txt ./\n") + kPipMount +
                "pip install -r requirements.txt\nCOPY . .");
}

TEST(Fix, OnlyReportsTheRest) {
  const FixPlan planned = plan("COPY .env /\n");
  ASSERT_EQ(planned.left.size(), 1u);
  EXPECT_EQ(planned.left[0].rule, "SecretInLayer");
  EXPECT_EQ(planned.left[0].line, 3);
  EXPECT_THAT(planned.left[0].why, HasSubstr("secret"));
}

TEST(Fix, CountsLinesOfTheOriginal) {
  const FixPlan planned =
      plan("COPY . .\nRUN pip install -r requirements.txt\nRUN pip install b\n", python());
  std::vector<std::string> found;
  for (const Fixed& each : planned.fixes)
    found.push_back(fmt::format("{} {}", each.rule, each.line));
  EXPECT_THAT(found, ElementsAre("DependenciesAfterSource 4", "PackageManagerWithoutCacheMount 4",
                                 "PackageManagerWithoutCacheMount 5"));
}

}  // namespace
}  // namespace slipway::dockerfile
