// For tests of RUN: a store, a base image around busybox, and a runner.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "executor/test_rootfs.h"
#include "ops/exec_runner.h"
#include "store/result_id.h"

namespace slipway::ops {

class ExecLog final : public progress::Sink {
 public:
  void handle(const progress::Event& event) override {
    if (const auto* log = std::get_if<progress::LogEvent>(&event)) text += log->data;
  }
  std::string text;
};

class ExecSecrets final : public SecretProvider, public SshAgentProvider {
 public:
  Result<std::optional<std::string>> secret(const std::string& id) override {
    return id == "token" ? std::optional<std::string>("s3cret") : std::nullopt;
  }
  Result<std::optional<std::filesystem::path>> agent_socket(const std::string&) override {
    return std::optional<std::filesystem::path>();
  }
};

// Every entry of a directory, sorted.
inline std::vector<std::string> tree_of(const std::filesystem::path& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    paths.push_back(std::filesystem::relative(entry.path(), directory));
  }
  std::ranges::sort(paths);
  return paths;
}

class ExecFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (!machine.missing().empty()) {
      if (::geteuid() == 0) FAIL() << machine.missing();
      GTEST_SKIP() << machine.missing();
    }
    store = *store::Store::open({.root = machine.directory() / "store"});
    base = commit_tree(machine.rootfs());
    make_runner({});
  }

  void make_runner(const ExecOptions& options) {
    runner = *ExecRunner::create({*store, machine.executor(), contexts, secrets, secrets, pool},
                                 options);
  }

  solver::StepResult commit_tree(const std::filesystem::path& tree) {
    auto active = *store->snapshotter().prepare({});
    std::filesystem::copy(tree, active->layers().upper,
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::copy_symlinks |
                              std::filesystem::copy_options::overwrite_existing);
    const store::SnapshotId id = *active->commit();
    return {store::to_result_id(id), *store->snapshotter().pin(id)};
  }
  solver::StepResult commit_file(const std::string& path, const std::string& content) {
    const std::filesystem::path tree = machine.directory() / "tree";
    std::filesystem::remove_all(tree);
    std::filesystem::create_directories((tree / path).parent_path());
    std::ofstream(tree / path) << content;
    return commit_tree(tree);
  }
  std::filesystem::path layer_of(const solver::StepResult& result) {
    return store->snapshotter().info(*store::snapshot_of_result(result.id))->directory;
  }

  // RUN script on `base`.
  static graph::ExecOp op(const std::string& script) {
    graph::ExecOp exec;
    exec.args = {"/bin/sh", "-c", script};
    exec.env = {"PATH=/bin"};
    exec.cwd = "/";
    exec.network = graph::NetMode::None;
    graph::Mount root;
    root.input = 0;
    root.dest = "/";
    root.output = 0;
    exec.mounts = {root};
    return exec;
  }
  static graph::Mount mount(graph::MountType type, const std::string& dest) {
    graph::Mount result;
    result.type = type;
    result.dest = dest;
    return result;
  }
  static graph::Mount bind(int64_t input, const std::string& selector, const std::string& dest,
                           bool readonly) {
    graph::Mount result = mount(graph::MountType::Bind, dest);
    result.input = input;
    result.selector = selector;
    result.readonly = readonly;
    return result;
  }

  Result<std::vector<solver::StepResult>> run(graph::ExecOp exec,
                                              std::vector<solver::StepResult> others = {},
                                              std::stop_token stop = {}) {
    log.text.clear();
    graph::Vertex vertex;
    vertex.op = std::move(exec);
    others.insert(others.begin(), base);
    vertex.inputs.resize(others.size());
    progress::VertexReporter reporter(log, {});
    return runner->run({vertex, reporter, stop}, others);
  }
  std::string error_of(graph::ExecOp exec, std::vector<solver::StepResult> others = {}) {
    const auto result = run(std::move(exec), std::move(others));
    return result ? "" : result.error().message();
  }

  executor::TestMachine machine;
  ExecLog log;
  ExecSecrets secrets;
  LocalContexts contexts;
  ThreadPool pool{2};
  std::unique_ptr<store::Store> store;
  solver::StepResult base;
  std::unique_ptr<ExecRunner> runner;
};

}  // namespace slipway::ops
