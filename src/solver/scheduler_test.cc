// The scheduler over vertices that count: how often was each asked for its key, digested, run.
#include "solver/scheduler.h"

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::solver {
namespace {

using graph::DefinitionBuilder;
using graph::Edge;
using testing::ElementsAre;
using testing::HasSubstr;

// What a test knows of one vertex, by its name (the SourceOp's identifier or the ExecOp's first
// argument).
struct Behaviour {
  std::string content;      // digest seen by those who read it by content; its result's name too
  bool by_content = false;  // reads all of its inputs by content
  bool unique = false;
  int outputs = 1;
  std::string fails_with;
  std::function<void(std::stop_token)> while_running = [](std::stop_token) {};
};

std::string name_of(const graph::Vertex& vertex) {
  if (const auto* source = std::get_if<graph::SourceOp>(&vertex.op)) return source->identifier;
  return std::get<graph::ExecOp>(vertex.op).args.at(0);
}

class CountingRunner : public OpRunner {
 public:
  std::map<std::string, Behaviour> behaviour;

  Result<CacheMap> cache_map(const StepContext& context) override {
    const Behaviour b = behaviour_of(context);
    count(maps_, context);
    // The op alone: the vertex's digest has its inputs' in it, which the solver adds as it sees
    // fit.
    CacheMap map{Digest::sha256_of(name_of(context.vertex)), {}, b.unique};
    for (size_t i = 0; i < context.vertex.inputs.size(); ++i)
      map.inputs.push_back({{}, b.by_content});
    return map;
  }
  Result<Digest> content_digest(const StepContext& context, size_t, const StepResult& in) override {
    count(digests_, context);
    return Digest::sha256_of(in.id);
  }
  Result<std::vector<StepResult>> run(const StepContext& context,
                                      const std::vector<StepResult>& inputs) override {
    count(runs_, context);
    const Behaviour b = behaviour_of(context);
    b.while_running(context.stop);
    if (context.stop.stop_requested()) return make_error(ErrorCode::Cancelled, "stopped");
    if (!b.fails_with.empty()) return make_error(ErrorCode::StepFailed, "{}", b.fails_with);
    std::string id = name_of(context.vertex) + "/" + b.content;
    for (const StepResult& input : inputs) id += "(" + input.id + ")";
    if (!b.content.empty()) id = b.content;
    std::vector<StepResult> results;
    for (int i = 0; i < b.outputs; ++i)
      results.push_back({i == 0 ? id : id + std::to_string(i), {}});
    return results;
  }
  int runs(const std::string& name) { return get(runs_, name); }
  int digests(const std::string& name) { return get(digests_, name); }
  int maps(const std::string& name) { return get(maps_, name); }
  int all_runs() {
    const std::scoped_lock lock(mutex_);
    int sum = 0;
    for (const auto& [name, n] : runs_) sum += n;
    return sum;
  }

 private:
  Behaviour behaviour_of(const StepContext& context) const {
    const auto found = behaviour.find(name_of(context.vertex));
    return found == behaviour.end() ? Behaviour() : found->second;
  }
  void count(std::map<std::string, int>& counts, const StepContext& context) {
    const std::scoped_lock lock(mutex_);
    ++counts[name_of(context.vertex)];
  }
  int get(std::map<std::string, int>& counts, const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return counts[name];
  }
  std::mutex mutex_;
  std::map<std::string, int> maps_, digests_, runs_;
};

class MemoryCache : public CacheIndex {
 public:
  Result<std::optional<CacheRecord>> query(const KeyWithIngredients& key) override {
    const std::scoped_lock lock(mutex_);
    ++queries;
    const auto found = keys_.find(key.key.digest);
    if (found == keys_.end() || !records_.contains(found->second))
      return std::optional<CacheRecord>();
    return std::optional(CacheRecord{found->second, records_[found->second].identity});
  }
  Result<std::optional<std::vector<StepResult>>> load(const CacheRecord& record) override {
    const std::scoped_lock lock(mutex_);
    ++loads;
    if (damaged) {
      records_.erase(record.id);
      return std::optional<std::vector<StepResult>>();
    }
    return std::optional(records_.at(record.id).results);
  }
  Result<std::vector<KeyIngredient>> ingredients(const CacheRecord& record) override {
    const std::scoped_lock lock(mutex_);
    return records_[record.id].ingredients;
  }
  Status save(const NewRecord& record) override {
    const std::scoped_lock lock(mutex_);
    const std::string id = std::to_string(records_.size() + 1) + record.description;
    records_[id] = record;
    for (const CacheKey& key : record.keys) keys_[key.digest] = id;
    return {};
  }
  Status add_key(const CacheRecord& record, const CacheKey& key) override {
    const std::scoped_lock lock(mutex_);
    keys_[key.digest] = record.id;
    return {};
  }
  Result<std::unique_ptr<RunClaim>> claim(const CacheKey&, std::stop_token) override {
    return std::unique_ptr<RunClaim>();
  }
  // Forgets the records whose step is called `name`, as prune does; the keys stay.
  void prune(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(records_, [&](const auto& r) { return r.second.description == name; });
  }

  std::atomic<int> queries = 0;
  std::atomic<int> loads = 0;
  std::atomic<bool> damaged = false;

 private:
  std::mutex mutex_;
  std::map<Digest, std::string> keys_;
  std::map<std::string, NewRecord> records_;
};

class RecordingSink : public progress::Sink {
 public:
  void handle(const progress::Event& event) override {
    const std::scoped_lock lock(mutex_);
    const auto* vertex = std::get_if<progress::VertexEvent>(&event);
    if (vertex != nullptr && vertex->completed) {
      ended_.push_back(vertex->name + (vertex->cached ? " cached" : "") +
                       (vertex->error.empty() ? "" : " error: " + vertex->error));
    }
  }
  std::vector<std::string> ended() {
    const std::scoped_lock lock(mutex_);
    return ended_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> ended_;
};

class SchedulerTest : public testing::Test {
 protected:
  static graph::VertexMetadata named(const std::string& name, bool ignore_cache) {
    graph::VertexMetadata metadata;
    metadata.description["llb.customname"] = name;
    metadata.ignore_cache = ignore_cache;
    return metadata;
  }
  static Edge source(DefinitionBuilder& b, const std::string& name) {
    return b.add(graph::SourceOp{name, {}}, {}, {}, named(name, false));
  }
  static Edge exec(DefinitionBuilder& b, const std::string& name, std::vector<Edge> inputs,
                   bool ignore_cache = false) {
    graph::ExecOp op;
    op.args = {name};
    for (size_t i = 0; i < inputs.size(); ++i) {
      op.mounts.push_back({.input = static_cast<int64_t>(i), .dest = "/" + std::to_string(i)});
    }
    return b.add(std::move(op), std::move(inputs), {}, named(name, ignore_cache));
  }
  // base -> first -> last
  static graph::Definition chain() {
    DefinitionBuilder b;
    const Edge last = exec(b, "last", {exec(b, "first", {source(b, "base")})});
    return std::move(b).build(last);
  }
  Result<std::vector<StepResult>> solve(const graph::Definition& d, std::stop_token stop = {}) {
    return scheduler_.solve({d, {*d.root()}, sink_, stop});
  }
  std::string result(const graph::Definition& d) {
    const auto results = solve(d);
    return results ? results->at(0).id : "error: " + results.error().message();
  }

  CountingRunner runner_;
  MemoryCache cache_;
  RecordingSink sink_;
  Scheduler scheduler_{runner_, cache_};
};

TEST_F(SchedulerTest, RunsEachStepOnceAndHandsResultsDown) {
  EXPECT_EQ(result(chain()), "last/(first/(base/))");
  EXPECT_EQ(runner_.all_runs(), 3);
}

TEST_F(SchedulerTest, ASecondBuildRunsNothingAndLoadsOnlyTheRoot) {
  result(chain());
  EXPECT_EQ(result(chain()), "last/(first/(base/))");
  EXPECT_EQ(runner_.all_runs(), 3);
  EXPECT_EQ(cache_.loads, 1);
}

TEST_F(SchedulerTest, ACachedStepNeedsNoneOfItsInputs) {
  result(chain());
  cache_.prune("base");
  cache_.prune("first");
  EXPECT_EQ(result(chain()), "last/(first/(base/))");
  EXPECT_EQ(runner_.all_runs(), 3);
}

TEST_F(SchedulerTest, AMissRunsItAndWhatComesAfter) {
  result(chain());
  cache_.prune("first");
  cache_.prune("last");
  result(chain());
  EXPECT_EQ(runner_.runs("base"), 1);
  EXPECT_EQ(runner_.runs("first"), 2);
  EXPECT_EQ(runner_.runs("last"), 2);
}

//         shared
//        |      |
//      left    right
//        |      |
//          both
TEST_F(SchedulerTest, ASharedInputRunsOnce) {
  DefinitionBuilder b;
  const Edge shared = exec(b, "shared", {source(b, "base")});
  const Edge both = exec(b, "both", {exec(b, "left", {shared}), exec(b, "right", {shared})});
  const auto d = std::move(b).build(both);
  EXPECT_EQ(result(d), "both/(left/(shared/(base/)))(right/(shared/(base/)))");
  EXPECT_EQ(runner_.runs("shared"), 1);
}

TEST_F(SchedulerTest, IndependentStepsRunAtTheSameTime) {
  std::promise<void> left_runs, right_runs;
  runner_.behaviour["left"].while_running = [&](std::stop_token) {
    left_runs.set_value();
    right_runs.get_future().wait();  // would wait for ever if one came after the other
  };
  runner_.behaviour["right"].while_running = [&](std::stop_token) {
    left_runs.get_future().wait();
    right_runs.set_value();
  };
  DefinitionBuilder b;
  const Edge both = exec(b, "both", {exec(b, "left", {}), exec(b, "right", {})});
  EXPECT_EQ(result(std::move(b).build(both)), "both/(left/)(right/)");
}

// A local directory is new in every build; what is copied from it is found by content.
class ContextTest : public SchedulerTest {
 protected:
  void SetUp() override {
    runner_.behaviour["copy"].by_content = true;
    new_context("v1");
  }
  void new_context(const std::string& content) {
    context_ = "context" + std::to_string(++builds_);
    runner_.behaviour[context_].unique = true;
    runner_.behaviour[context_].content = content;
  }
  graph::Definition copy_then_run() {
    DefinitionBuilder b;
    const Edge copy = exec(b, "copy", {source(b, context_)});
    return std::move(b).build(exec(b, "run", {copy}));
  }
  int builds_ = 0;
  std::string context_;
};

TEST_F(ContextTest, EqualContentIsFoundAndSoIsWhatComesAfter) {
  result(copy_then_run());
  new_context("v1");
  EXPECT_EQ(result(copy_then_run()), "run/(copy/(v1))");
  EXPECT_EQ(runner_.runs("copy"), 1);
  EXPECT_EQ(runner_.runs("run"), 1);
}

TEST_F(ContextTest, OtherContentRunsAgain) {
  result(copy_then_run());
  new_context("v2");
  EXPECT_EQ(result(copy_then_run()), "run/(copy/(v2))");
  EXPECT_EQ(runner_.runs("copy"), 2);
  EXPECT_EQ(runner_.runs("run"), 2);
}

TEST_F(ContextTest, GoingBackToOldContentFindsTheOldResult) {
  result(copy_then_run());
  new_context("v2");
  result(copy_then_run());
  new_context("v1");
  EXPECT_EQ(result(copy_then_run()), "run/(copy/(v1))");
  EXPECT_EQ(runner_.runs("run"), 2);
}

TEST_F(ContextTest, NothingIsKeptUnderAUniqueKey) {
  DefinitionBuilder b;
  const auto d = std::move(b).build(exec(b, "run", {source(b, context_)}));
  result(d);
  result(d);
  EXPECT_EQ(runner_.runs("run"), 2);
}

// A stage that is rebuilt to the same content does not rebuild what copies from it.
TEST_F(ContextTest, ARebuiltInputWithEqualContentStopsThere) {
  const auto build = [&](const std::string& source_name) {
    DefinitionBuilder b;
    const Edge compiled = exec(b, "compile", {source(b, source_name)});
    return std::move(b).build(exec(b, "run", {exec(b, "copy", {compiled})}));
  };
  runner_.behaviour["compile"].content = "binary";
  result(build("source1"));
  result(build("source2"));
  EXPECT_EQ(runner_.runs("compile"), 2);
  EXPECT_EQ(runner_.runs("copy"), 1);
  EXPECT_EQ(runner_.runs("run"), 1);
  // And now the definition alone finds it: no content is looked at.
  const int digests = runner_.digests("copy");
  result(build("source2"));
  EXPECT_EQ(runner_.digests("copy"), digests);
}

TEST_F(SchedulerTest, NoCacheRunsAgainAndSoDoesWhatComesAfter) {
  const auto build = [](bool no_cache) {
    DefinitionBuilder b;
    const Edge first = exec(b, "first", {source(b, "base")}, no_cache);
    return std::move(b).build(exec(b, "last", {first}));
  };
  result(build(false));
  result(build(true));
  EXPECT_EQ(runner_.runs("base"), 1);
  EXPECT_EQ(runner_.runs("first"), 2);
  EXPECT_EQ(runner_.runs("last"), 2);
  result(build(false));  // what --no-cache made is what a later build finds
  EXPECT_EQ(runner_.runs("first"), 2);
  EXPECT_EQ(runner_.runs("last"), 2);
}

TEST_F(SchedulerTest, ADamagedRecordIsRunAgain) {
  result(chain());
  cache_.damaged = true;
  EXPECT_EQ(result(chain()), "last/(first/(base/))");
  EXPECT_EQ(runner_.runs("last"), 2);
}

TEST_F(SchedulerTest, EqualKeysOfDifferentVerticesRunOnce) {
  // Both copy "v1": by content they are the same step.
  DefinitionBuilder b;
  for (const char* name : {"context1", "context2"}) {
    runner_.behaviour[name].unique = true;
    runner_.behaviour[name].content = "v1";
  }
  class SameCopy : public OpRunner {
   public:
    explicit SameCopy(OpRunner& inner) : inner_(inner) {}
    Result<CacheMap> cache_map(const StepContext& c) override {
      CacheMap map = TRY(inner_.cache_map(c));
      if (name_of(c.vertex).starts_with("copy")) map.digest = Digest::sha256_of("copy");
      return map;
    }
    Result<Digest> content_digest(const StepContext& c, size_t i, const StepResult& r) override {
      return inner_.content_digest(c, i, r);
    }
    Result<std::vector<StepResult>> run(const StepContext& c,
                                        const std::vector<StepResult>& in) override {
      return inner_.run(c, in);
    }
    OpRunner& inner_;
  };
  for (const char* name : {"copy1", "copy2"}) {
    runner_.behaviour[name].by_content = true;
    runner_.behaviour[name].while_running = [](std::stop_token) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    };
  }
  SameCopy same(runner_);
  Scheduler scheduler(same, cache_);
  const Edge one = exec(b, "copy1", {source(b, "context1")});
  const Edge two = exec(b, "copy2", {source(b, "context2")});
  const auto d = std::move(b).build(exec(b, "both", {one, two}));
  ASSERT_TRUE(scheduler.solve({d, {*d.root()}, sink_, {}}));
  EXPECT_EQ(runner_.runs("copy1") + runner_.runs("copy2"), 1);
}

TEST_F(SchedulerTest, AFailureIsTheJobsErrorAndStopsTheRest) {
  std::promise<void> slow_runs;
  std::atomic<bool> slow_stopped = false;
  runner_.behaviour["bad"].fails_with = "exit code: 1";
  runner_.behaviour["bad"].while_running = [&](std::stop_token) { slow_runs.get_future().wait(); };
  runner_.behaviour["slow"].while_running = [&](std::stop_token stop) {
    slow_runs.set_value();
    while (!stop.stop_requested()) std::this_thread::yield();
    slow_stopped = true;
  };
  DefinitionBuilder b;
  const Edge both = exec(b, "both", {exec(b, "bad", {}), exec(b, "slow", {})});
  const auto results = solve(std::move(b).build(both));
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().message(), "exit code: 1");
  EXPECT_TRUE(slow_stopped);  // solve() returns only when nothing of the job runs any more
  EXPECT_EQ(runner_.runs("both"), 0);
  EXPECT_THAT(sink_.ended(),
              ElementsAre("bad error: exit code: 1", "slow error: context canceled"));
}

TEST_F(SchedulerTest, AFailedStepIsTriedAgainByTheNextJob) {
  runner_.behaviour["first"].fails_with = "no network";
  EXPECT_THAT(result(chain()), HasSubstr("no network"));
  runner_.behaviour["first"].fails_with.clear();
  EXPECT_EQ(result(chain()), "last/(first/(base/))");
}

TEST_F(SchedulerTest, CancellationStopsAJob) {
  std::stop_source stop;
  runner_.behaviour["first"].while_running = [&](std::stop_token token) {
    stop.request_stop();
    while (!token.stop_requested()) std::this_thread::yield();
  };
  const auto results = solve(chain(), stop.get_token());
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code(), ErrorCode::Cancelled);
  EXPECT_EQ(runner_.runs("last"), 0);
}

TEST_F(SchedulerTest, CancellingOneJobLeavesASharedStepRunning) {
  std::promise<void> started, go;
  auto may_go = go.get_future().share();
  runner_.behaviour["first"].while_running = [&](std::stop_token) {
    started.set_value();
    may_go.wait();
  };
  const auto d = chain();
  std::stop_source stop;
  auto cancelled = std::async(std::launch::async, [&] { return solve(d, stop.get_token()); });
  started.get_future().wait();
  RecordingSink other_sink;
  auto other = std::async(std::launch::async,
                          [&] { return scheduler_.solve({d, {*d.root()}, other_sink, {}}); });
  // The second job has joined once it was told of the step that runs.
  while (runner_.maps("last") == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  stop.request_stop();
  EXPECT_FALSE(cancelled.get());
  go.set_value();
  const auto results = other.get();
  ASSERT_TRUE(results) << results.error().message();
  EXPECT_EQ(results->at(0).id, "last/(first/(base/))");
  EXPECT_EQ(runner_.runs("first"), 1);
}

TEST_F(SchedulerTest, SecondOutputsAreTheirOwnResults) {
  runner_.behaviour["two"].outputs = 2;
  DefinitionBuilder b;
  const Edge two = exec(b, "two", {});
  const auto d = std::move(b).build(exec(b, "user", {two, Edge{two.vertex, 1}}));
  EXPECT_EQ(result(d), "user/(two/)(two/1)");
}

TEST_F(SchedulerTest, ProgressTellsRunFromCached) {
  result(chain());
  EXPECT_THAT(sink_.ended(), ElementsAre("base", "first", "last"));
  result(chain());
  EXPECT_THAT(sink_.ended(),
              ElementsAre("base", "first", "last", "base cached", "first cached", "last cached"));
}

// Ten layers of a hundred, each vertex on two of the layer below.
TEST_F(SchedulerTest, AThousandVerticesRunOnceEach) {
  DefinitionBuilder b;
  std::vector<Edge> below;
  for (int layer = 0; layer < 10; ++layer) {
    std::vector<Edge> here;
    for (size_t i = 0; i < 100; ++i) {
      std::vector<Edge> inputs;
      if (layer > 0) inputs = {below[i], below[(i * 7 + 1) % 100]};
      here.push_back(exec(b, std::to_string(layer) + "." + std::to_string(i), inputs));
    }
    below = here;
  }
  const auto d = std::move(b).build(exec(b, "top", below));
  for (auto& [name, behaviour] : runner_.behaviour) behaviour.content = name;
  runner_.behaviour["top"].content = "top";
  for (int layer = 0; layer < 10; ++layer) {
    for (int i = 0; i < 100; ++i) {
      const std::string name = std::to_string(layer) + "." + std::to_string(i);
      runner_.behaviour[name].content = name;
    }
  }
  EXPECT_EQ(result(d), "top");
  EXPECT_EQ(runner_.all_runs(), 1001);
  EXPECT_EQ(result(d), "top");
  EXPECT_EQ(runner_.all_runs(), 1001);
}

// A chain so long that recursion over it would end the stack.
TEST_F(SchedulerTest, AChainOfFiveThousandSteps) {
  DefinitionBuilder b;
  Edge last = source(b, "base");
  runner_.behaviour["base"].content = "base";
  for (int i = 0; i < 5000; ++i) {
    const std::string name = std::to_string(i);
    runner_.behaviour[name].content = name;
    last = exec(b, name, {last});
  }
  EXPECT_EQ(result(std::move(b).build(last)), "4999");
}

}  // namespace
}  // namespace slipway::solver
