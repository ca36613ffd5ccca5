// CacheIndex: where results of earlier builds are found. Implementations in cache/. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "solver/cache_key.h"
#include "solver/op_runner.h"

namespace slipway::solver {

// Found under a key: the results of one step, not loaded yet.
struct CacheRecord {
  std::string id;
  Digest identity;  // see cache_key.h
};

// What is remembered about a step that ran.
struct NewRecord {
  std::vector<CacheKey> keys;  // every key it can be found under
  KeyParts parts;              // of the dearest of them
  Digest identity;
  std::vector<StepResult> results;
  std::string description;  // the step's name, for du and history
  std::vector<KeyIngredient> ingredients;
};

// The right to run one step, held against other processes until destroyed.
class RunClaim {
 public:
  virtual ~RunClaim() = default;
};

class CacheIndex {
 public:
  virtual ~CacheIndex() = default;

  virtual Result<std::optional<CacheRecord>> query(const KeyWithIngredients& key) = 0;

  // The results of a record. nullopt when they are gone or damaged: the record is dropped, the step
  // runs.
  virtual Result<std::optional<std::vector<StepResult>>> load(const CacheRecord& record) = 0;

  // What the key was made of under which a record was saved; empty when it is gone.
  virtual Result<std::vector<KeyIngredient>> ingredients(const CacheRecord& record) = 0;

  virtual Status save(const NewRecord& record) = 0;

  // Makes `key` find a record that was found under another key.
  virtual Status add_key(const CacheRecord& record, const CacheKey& key) = 0;

  // Waits until no other process runs a step of this key. The caller then asks query() again.
  virtual Result<std::unique_ptr<RunClaim>> claim(const CacheKey& key, std::stop_token stop) = 0;
};

}  // namespace slipway::solver
