// SolvedContexts: a ContextReader that has the engine fetch what is asked for, so that the build
// finds it done.
#pragma once

#include <stop_token>

#include "cli/context_reader.h"
#include "cli/remote_results.h"
#include "progress/sink.h"
#include "solver/scheduler.h"
#include "source/git_source.h"
#include "source/http_file.h"
#include "store/store.h"

namespace slipway::cli {

class SolvedContexts : public ContextReader {
 public:
  // All of them outlive it.
  struct Parts {
    store::Store& store;
    solver::Scheduler& scheduler;
    RemoteResults& remote_results;
    source::HttpFileSource& files;
    source::GitSource& git;
    progress::Sink& progress;
    std::stop_token stop;
  };
  explicit SolvedContexts(Parts parts) : parts_(parts) {}

  Result<std::vector<std::optional<std::string>>> read_starts(const graph::Definition& definition,
                                                              const std::vector<std::string>& paths,
                                                              size_t max_bytes) override;
  Result<std::optional<int64_t>> time(const graph::SourceOp& source,
                                      const std::string& step_name) override;
  Result<std::string> take_archive(std::string start, int fd) override;

 private:
  const Parts parts_;
};

}  // namespace slipway::cli
