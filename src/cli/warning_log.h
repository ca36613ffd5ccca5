// WarningLog: the warnings of a build, to be repeated at its end as buildx does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "progress/sink.h"

namespace slipway::cli {

class WarningLog : public progress::Sink {
 public:
  struct Options {
    bool details = false;  // descriptions, addresses and excerpts
    bool colors = false;
  };

  void handle(const progress::Event& event) override;

  // " 2 warnings found (use --debug to expand):" and a line for each; nothing where there were
  // none. What two targets have in common is there once. `files`: texts by SourceSpan::file.
  std::string text(const std::map<std::string, std::string>& files, Options options);

 private:
  Guarded<std::vector<progress::WarningEvent>> warnings_;
};

}  // namespace slipway::cli
