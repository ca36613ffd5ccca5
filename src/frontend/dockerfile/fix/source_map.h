// SourceMap: which file of the context a path in the image came from, by the COPYs of a stage.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/dockerfile/advice/step.h"

namespace slipway::dockerfile {

class SourceMap {
 public:
  // `copies` in order; later ones over earlier ones. Those that are not plainly understood
  // (wildcards, variables) bring files that are not known.
  SourceMap(const std::vector<ContextCopy>& copies, ContextFiles& files);

  struct Origin {
    std::string path;    // in the context
    size_t copy;         // index among the copies
    std::string folder;  // where it goes, as that COPY would write its destination: "./", "/app/x/"
  };
  // nullopt: no file that a COPY brought.
  std::optional<Origin> origin(const std::string& image_path) const;
  // The content of that file; nullopt where there is none, or it is no ordinary text of some size.
  std::optional<std::string> read(const std::string& image_path) const;
  // Whether any COPY brings the file or directory.
  bool brings(const std::string& image_path) const;
  bool understands(size_t copy) const { return !rules_[copy].unknown; }
  // Whether all that the COPY brings are files named one by one.
  bool names_files_only(size_t copy) const;
  // Where the COPY puts things; "" where that is not known.
  const std::string& destination(size_t copy) const { return rules_[copy].destination; }

 private:
  struct Entry {
    std::string source;  // in the context; "." for its root
    bool is_directory;   // its content is copied, else the file
    std::string target;  // in the image
    std::string folder;
  };
  struct Rule {
    bool unknown = false;
    std::string destination;
    std::vector<Entry> entries;
  };
  static Rule rule_of(const ContextCopy& copy, ContextFiles& files);
  // The context's path that an entry brings to `image_path`, whether it exists or not.
  static std::optional<std::string> source_of(const Entry& entry, const std::string& image_path);

  ContextFiles& files_;
  std::vector<Rule> rules_;
};

}  // namespace slipway::dockerfile
