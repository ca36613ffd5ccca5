// plan_fixes: a Dockerfile rewritten by what Slipway's own rules (advice/) find in it. docs/fix.md
// says which fixes there are. Each is an edit of the original bytes, made only where it is proven
// that the image stays what it is but for what the fix's note says; the text is read again after
// each, and must then say what was meant and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/advice/advice.h"
#include "frontend/dockerfile/fix/edited_text.h"

namespace slipway::dockerfile {

struct FixInput {
  std::string text;
  std::string file;                    // its name, for errors
  std::string target;                  // as of AdviceInput
  const ImageConfig* image = nullptr;  // the same
  ContextFiles* files = nullptr;       // the same; as they will be with the new .dockerignore
  CheckOptions options;
};

struct Fixed {
  std::string rule;
  int line = 0;  // of the original
  std::string what;
  std::string note;  // how the image differs; empty: it does not
};

struct Left {
  std::string rule;
  int line = 0;
  std::string detail;  // what was found
  std::string why;     // it is left
};

struct FixPlan {
  std::string text;
  std::vector<TextEdit> edits;  // of the original, in order
  std::vector<Fixed> fixes;
  std::vector<Left> left;
};

// The rules that fixes exist for.
std::vector<std::string_view> fixable_rules();

// A Dockerfile that cannot be read is an error. Planning again what was fixed changes nothing.
Result<FixPlan> plan_fixes(const FixInput& input);

}  // namespace slipway::dockerfile
