// What the fixers of fix/ hand to plan_fixes(): one change each, with what the Dockerfile must read
// like after it. Not for others.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "frontend/dockerfile/advice/step.h"
#include "frontend/dockerfile/fix/edited_text.h"

namespace slipway::dockerfile {

// A text and what it says.
struct Document {
  std::string text;
  Dockerfile dockerfile;
  std::vector<size_t> line_starts;  // and the end of the text

  // The bytes of whole lines.
  size_t begin_of(const SourceSpan& span) const {
    return line_starts[static_cast<size_t>(span.first_line) - 1];
  }
  size_t end_of(const SourceSpan& span) const {
    return line_starts[static_cast<size_t>(span.last_line)];
  }
};

// A RUN that has changed: like `run` in all but what it executes and its mounts.
struct ExpectedRun {
  const RunInstruction* run;
  std::vector<ShellCommand> commands;
  std::vector<std::string> mounts;
};
// An instruction as it was, a changed RUN, or a new instruction's source.
using Expected = std::variant<const Instruction*, ExpectedRun, std::string>;

struct Proposal {
  Rule rule;
  int line = 0;
  std::string what;  // "COPY instead of ADD"
  std::string note;  // how the image differs; empty: it does not
  std::vector<TextEdit> edits;
  const Stage* stage = nullptr;    // the one that changes
  std::vector<Expected> expected;  // its instructions then
};

// Where fixers report.
class Proposals {
 public:
  void add(Proposal proposal) { proposals_.push_back(std::move(proposal)); }
  // A finding that is not fixed, and why.
  void leave(const Rule& rule, int line, std::string why) {
    reasons_.push_back({std::string(rule.name), line, std::move(why)});
  }

  struct Reason {
    std::string rule;
    int line;
    std::string why;
  };
  const std::vector<Proposal>& proposals() const { return proposals_; }
  const std::vector<Reason>& reasons() const { return reasons_; }

 private:
  std::vector<Proposal> proposals_;
  std::vector<Reason> reasons_;
};

// One fixer each, at one step. They share advice/'s analysis and say nothing where it found
// nothing.
void fix_add(const Document& document, const Step& step, Proposals& proposals);
void fix_apt_update(const Document& document, const RunStep& step, Proposals& proposals);
void fix_order(const Document& document, const RunStep& step, Proposals& proposals);
void fix_caches(const Document& document, const RunStep& step, Proposals& proposals);

// All instructions of a stage as they are.
std::vector<Expected> as_before(const Stage& stage);
bool reads_as(const Stage& stage, const std::vector<Expected>& expected);

}  // namespace slipway::dockerfile
