// Runs a fuzz harness without libFuzzer: on its seeds, then on mutations of them, always the same.
//
//   fuzz_replay HARNESS [--inputs=N] [--seconds=N] [--selectors=N] [--dictionary=FILE]
//               [--write=FOLDER] [SEEDS...]
//
// Stops after that many mutations (50,000), or seconds of them (2). SEEDS are as seeds.h describes
// them; where the harness reads its first byte as a selector, each is taken with each of so many
// selectors. An input that crashes, fails a CHECK, or takes half a minute or 4 GB is left in
// HARNESS.crash in the working directory; `fuzz_replay HARNESS --inputs=0 HARNESS.crash` runs it
// again. --write runs nothing: it writes the seeds into a folder, for libFuzzer.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#include "base/file_io.h"
#include "frontend/dockerfile/conformance_data.h"
#include "mutator.h"
#include "oci/digest.h"
#include "seeds.h"

#define HARNESS(name) extern "C" int fuzz_##name(const uint8_t*, size_t);
#include "harnesses.inc"
#undef HARNESS

namespace slipway::fuzz {
namespace {

using Harness = int (*)(const uint8_t*, size_t);

struct NamedHarness {
  std::string_view name;
  Harness run;
};

constexpr NamedHarness kHarnesses[] = {
#define HARNESS(name) {#name, &fuzz_##name},
#include "harnesses.inc"
#undef HARNESS
};

constexpr unsigned kLongestSeconds = 30;
constexpr rlim_t kMostMemory = rlim_t{4} << 30;

// What runs now. A global, because a signal's handler has no other way to know.
struct {
  std::string file;
  const uint8_t* data = nullptr;
  size_t size = 0;
} running;

// Async-signal-safe.
void say(std::string_view text) {
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

void keep_input() {
  const int fd = ::open(running.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ::write(fd, running.data, running.size) != static_cast<ssize_t>(running.size)) {
    return say("\nthe input could not be kept\n");
  }
  say("\nthe input is kept: ");
  say(running.file);
  say("\n");
}

void on_signal(int number) {
  if (number == SIGALRM) say("\nan input takes too long\n");
  keep_input();
  ::raise(number);  // SA_RESETHAND: now it ends the program
}

void watch(int number) {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  ::sigaction(number, &action, nullptr);
}

// Whatever goes wrong from here on, the input that did it is kept.
void watch_everything(std::string file) {
  running.file = std::move(file);
  static char stack[64 << 10];  // a handler's own: the other may be what ran out
  const stack_t alternative = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  ::sigaltstack(&alternative, nullptr);
  watch(SIGABRT);
  watch(SIGALRM);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(keep_input);
#else
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) watch(number);
  const rlimit memory = {kMostMemory, kMostMemory};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
}

void run(Harness harness, const std::string& input) {
  // A block of exactly this size, so that sanitizers see what reads past it.
  const auto bytes = std::make_unique<uint8_t[]>(input.size());
  std::memcpy(bytes.get(), input.data(), input.size());
  running.data = bytes.get();
  running.size = input.size();
  ::alarm(kLongestSeconds);
  harness(bytes.get(), input.size());
  ::alarm(0);
}

struct Options {
  Harness harness = nullptr;
  std::string name;
  uint64_t inputs = 50'000;
  uint64_t seconds = 2;
  uint64_t selectors = 0;
  std::string dictionary;
  std::string write;
  std::vector<std::string> seeds;
};

Result<uint64_t> parse_count(std::string_view name, std::string_view text) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) {
    return invalid_input("{}={}: want a number", name, text);
  }
  return count;
}

Result<Options> parse_options(std::span<char*> arguments) {
  if (arguments.empty()) return invalid_input("name a harness; see fuzz/replay_main.cc");
  Options options;
  options.name = arguments[0];
  for (const NamedHarness& known : kHarnesses) {
    if (known.name == options.name) options.harness = known.run;
  }
  if (options.harness == nullptr) return invalid_input("there is no harness {}", options.name);
  for (const std::string_view argument : arguments.subspan(1)) {
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    if (!argument.starts_with("--")) {
      options.seeds.emplace_back(argument);
      continue;
    }
    const std::string_view value =
        equals == std::string_view::npos ? "" : argument.substr(equals + 1);
    if (name == "--inputs") {
      options.inputs = TRY(parse_count(name, value));
    } else if (name == "--seconds") {
      options.seconds = TRY(parse_count(name, value));
    } else if (name == "--selectors") {
      options.selectors = TRY(parse_count(name, value));
    } else if (name == "--dictionary") {
      options.dictionary = value;
    } else if (name == "--write") {
      options.write = value;
    } else {
      return invalid_input("unknown option {}", name);
    }
  }
  return options;
}

// "conformance/..." lies beside the repository, and may be absent.
std::string located(const std::string& pattern) {
  constexpr std::string_view kConformance = "conformance/";
  if (!pattern.starts_with(kConformance)) return pattern;
  const auto folder = dockerfile::conformance_data("");
  return folder ? (*folder / pattern.substr(kConformance.size())).string() : pattern;
}

Result<std::vector<std::string>> all_seeds(const Options& options) {
  std::vector<std::string> seeds = {""};
  for (const std::string& pattern : options.seeds) {
    std::vector<std::string> texts = TRY(read_seeds(located(pattern)));
    for (std::string& text : texts) {
      for (uint64_t i = 0; i < options.selectors; ++i) seeds.push_back(static_cast<char>(i) + text);
      if (options.selectors == 0) seeds.push_back(std::move(text));
    }
  }
  return seeds;
}

Status write_seeds(const std::vector<std::string>& seeds, const std::filesystem::path& folder) {
  TRY(make_directories(folder));
  for (const std::string& seed : seeds) {
    TRY(write_file_atomic(folder / Digest::sha256_of(seed).hex(), seed));
  }
  return {};
}

Status replay(const Options& options) {
  const std::vector<std::string> seeds = TRY(all_seeds(options));
  if (!options.write.empty()) return write_seeds(seeds, options.write);
  std::vector<std::string> words;
  if (!options.dictionary.empty()) {
    const std::string dictionary = TRY(read_file(options.dictionary));
    words = TRY(parse_dictionary(dictionary));
  }
  watch_everything(std::filesystem::current_path() / (options.name + ".crash"));
  for (const std::string& seed : seeds) run(options.harness, seed);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(options.seconds);
  const Mutator mutator(seeds, std::move(words));
  uint64_t inputs = 0;
  for (; inputs < options.inputs && Clock::now() < end; ++inputs) {
    run(options.harness, mutator.input(inputs));
  }
  fmt::print("{}: {} seeds, {} mutations\n", options.name, seeds.size(), inputs);
  return {};
}

int replay_main(std::span<char*> arguments) {
  const auto options = parse_options(arguments);
  const Status done = options ? replay(*options) : Status(options.error());
  if (done) return 0;
  fmt::print(stderr, "fuzz_replay: {}\n", done.error().message());
  return 2;
}

}  // namespace
}  // namespace slipway::fuzz

int main(int argc, char** argv) {
  return slipway::fuzz::replay_main({argv + 1, static_cast<size_t>(argc - 1)});
}
