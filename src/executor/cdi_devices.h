// CdiDevices: the devices that this machine's CDI files describe.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "executor/cdi_spec.h"

namespace slipway::executor {

class CdiDevices {
 public:
  CdiDevices() = default;

  // All files *.json and *.yaml of the directories; a device of a later directory counts before its
  // namesake of an earlier one, one that a directory has twice is none. A directory may be missing;
  // a file that cannot be read is a problem, and its devices are none.
  static CdiDevices read(const std::vector<std::filesystem::path>& directories);

  // The qualified names that a request stands for, sorted, or nothing: "vendor.com/class=name"; the
  // first of a class for "vendor.com/class", all for "vendor.com/class=*"; else all devices that
  // are annotated with the request as their class.
  std::vector<std::string> find(const std::string& request) const;
  // Whether it may be used without asking: its annotation says so.
  bool is_allowed_to_all(const std::string& qualified_name) const;
  // What a container with these devices must get: for each file first what all of its devices need.
  // Unsupported, where that is more than can be done.
  Result<CdiEdits> edits_of(const std::vector<std::string>& qualified_names) const;

  // "/etc/cdi/x.yaml: line 3: ..."
  const std::vector<std::string>& problems() const { return problems_; }
  // Where it was looked: "/etc/cdi, /var/run/cdi".
  const std::string& places() const { return places_; }

 private:
  struct Entry {
    std::shared_ptr<const CdiSpec> spec;  // shared by its devices
    size_t device = 0;
    size_t directory = 0;
    bool is_ambiguous = false;
  };
  void read_file_of(const std::filesystem::path& file, size_t directory);
  void add(const std::shared_ptr<const CdiSpec>& spec, size_t directory);
  const Entry* entry_of(const std::string& qualified_name) const;
  std::string annotation(const Entry& entry, const std::string& name) const;

  std::map<std::string, Entry> entries_;  // by qualified name
  std::vector<std::string> problems_;
  std::string places_;
};

}  // namespace slipway::executor
