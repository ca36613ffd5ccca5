// CacheKey: the names under which a step's results are found again.
//
// Three tiers, cheapest first (docs/solver.md):
//   definition key  op digest + identities of the inputs; known without having any input's content
//   content key     op digest + digests of the content that the op reads from its inputs
//   trace key       what a step was observed to read (room is left for it, issue: traced cache)
// A step's *identity* is what later steps put into their own keys: the first key under which its
// record was ever saved. Two different definitions with equal content thus get one identity, and
// later steps hit.
#pragma once

#include <string>
#include <vector>

#include "oci/digest.h"

namespace slipway::solver {

enum class KeyTier { Definition, Content, Trace };

struct CacheKey {
  KeyTier tier = KeyTier::Definition;
  Digest digest;
  auto operator<=>(const CacheKey&) const = default;
};

// How one input enters the key of the op that reads it.
struct InputDependency {
  // The paths the op reads of this input, as one digest; empty when it may read all of it.
  Digest selector;
  // Whether the op's result depends on the selected content alone, so that OpRunner::content_digest
  // can name this input in a content key.
  bool by_content = false;
};

// What a step's result depends on, besides its inputs.
struct CacheMap {
  // Of the op without its inputs (a vertex's own digest has theirs in it).
  Digest digest;
  std::vector<InputDependency> inputs;  // one for each of the vertex's inputs
  // The digest is like no other build's (a local directory, named by nothing but its content): a
  // definition key made of it can never be found again, so none is asked for or kept.
  bool unique = false;
  size_t outputs = 1;  // of the op
};

// A part of a key, kept so that a miss can be explained: the same traversal makes key and
// ingredients.
struct KeyIngredient {
  std::string what;  // "op", "input 0", "input 1 content"
  Digest digest;
};

// One input of a step as its key sees it.
struct KeyInput {
  Digest identity;  // of the output that is the input
  Digest selector;
  Digest content;  // empty when it does not count, or is not known (yet)
};

// What a key was made of, for an index that keeps steps as a graph instead of by one digest (remote
// caches).
struct KeyParts {
  Digest op;  // CacheMap::digest
  size_t outputs = 1;
  std::vector<KeyInput> inputs;
};

struct KeyWithIngredients {
  CacheKey key;
  std::vector<KeyIngredient> ingredients;
  KeyParts parts;
  std::string step;  // its name, for records and messages
};

// `identities`: of the inputs, output index included. `contents`, for a Content key: the content
// digest of each input that is read by content, empty for the others.
KeyWithIngredients make_key(KeyTier tier, const CacheMap& map,
                            const std::vector<Digest>& identities,
                            const std::vector<Digest>& contents = {});

// The identity of output `output` of a step whose identity is `step`.
Digest output_identity(const Digest& step, int64_t output);

}  // namespace slipway::solver
