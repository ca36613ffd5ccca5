// Mutator: inputs for a fuzz harness, made from texts that it knows. No feedback from the program,
// so no match for libFuzzer, but it needs no compiler of its own and gives the same inputs always.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::fuzz {

class Mutator {
 public:
  // At least one seed. `words` are what the format is made of (a libFuzzer dictionary).
  Mutator(std::vector<std::string> seeds, std::vector<std::string> words);

  // A seed with one to four changes. Depends on `number` alone.
  std::string input(uint64_t number) const;

 private:
  class Random;
  void change(std::string& text, Random& random) const;

  std::vector<std::string> seeds_;
  std::vector<std::string> words_;
};

}  // namespace slipway::fuzz
