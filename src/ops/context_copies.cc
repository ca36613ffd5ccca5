#include "ops/context_copies.h"

#include "source/file_tree.h"

namespace slipway::ops {

Result<std::optional<solver::StepResult>> ContextCopies::copy(const solver::StepResult& input,
                                                              const std::string& path,
                                                              std::stop_token stop) {
  const std::shared_ptr<source::FileTree> context = contexts_.find_result(input.id);
  if (!context) return std::optional<solver::StepResult>();
  source::Selection selection;
  selection.path = path;
  selection.follow_links = true;
  const Digest digest = TRY(context->digest(selection, stop));
  const std::string key = digest.str() + " " + path;
  {
    auto copies = copies_.lock();
    if (const auto found = copies->find(key); found != copies->end()) {
      return std::optional(found->second);
    }
  }
  // Two steps that come here at once copy twice; the second copy is as good.
  const solver::StepResult result = TRY(copy_(context, path, stop));
  (*copies_.lock())[key] = result;
  return std::optional(result);
}

}  // namespace slipway::ops
