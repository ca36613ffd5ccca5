#include "frontend/compose/model.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "base/unicode.h"
#include "frontend/bake/bake_file.h"
#include "frontend/compose/merge.h"

namespace slipway::compose {
namespace {

constexpr char kProjectName[] = "COMPOSE_PROJECT_NAME";
constexpr int kMaxNesting = 20;  // of include and extends

std::string folder_of(const std::string& file) {
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

std::string joined(const std::string& folder, const std::string& path) {
  if (folder.empty() || folder == "." || path.starts_with('/')) return path;
  return folder + "/" + path;
}

bool is_local_path(std::string_view path) {
  for (const std::string_view prefix :
       {"http://", "https://", "git://", "ssh://", "git@", "github.com/",
        "docker-image:", "oci-layout:", "service:", "target:", "/", "~", "cwd://"}) {
    if (path.starts_with(prefix)) return false;
  }
  return true;
}

// Variables in the parts that a build reads. Keys are never interpolated.
Status interpolate_tree(Value& value, const Environment& environment) {
  if (value.is_scalar() && value.text.contains('$')) {
    Result<std::string> text = interpolate(value.text, environment);
    if (!text) return std::move(text).error().at(value.span);
    value.text = *std::move(text);
    value.quoted = true;  // a value is a text, whatever it looks like
  }
  for (Value& item : value.items) TRY(interpolate_tree(item, environment));
  for (auto& [name, member] : value.members) TRY(interpolate_tree(member, environment));
  return {};
}

Status interpolate_model(Value& root, const Environment& environment) {
  for (const char* name : {"secrets", "include", "name"}) {
    if (Value* part = root.find(name)) TRY(interpolate_tree(*part, environment));
  }
  Value* services = root.find("services");
  if (services == nullptr) return {};
  for (auto& [service, value] : services->members) {
    for (const char* name : {"image", "build", "environment", "env_file", "extends"}) {
      if (Value* part = value.find(name)) TRY(interpolate_tree(*part, environment));
    }
  }
  return {};
}

void rebase_path(Value* value, const std::string& folder) {
  if (value == nullptr || !value->is_scalar() || !is_local_path(value->text)) return;
  value->text = clean_path(joined(folder, value->text));
}

// "NAME=path" entries or a mapping of names to paths.
void rebase_contexts(Value* contexts, const std::string& folder) {
  if (contexts == nullptr) return;
  for (auto& [name, path] : contexts->members) rebase_path(&path, folder);
  for (Value& item : contexts->items) {
    const size_t equals = item.text.find('=');
    if (equals == std::string::npos) continue;
    const std::string path = item.text.substr(equals + 1);
    if (is_local_path(path))
      item.text = item.text.substr(0, equals + 1) + clean_path(joined(folder, path));
  }
}

void rebase_env_files(Value* files, const std::string& folder) {
  if (files == nullptr) return;
  rebase_path(files, folder);
  for (Value& item : files->items) rebase_path(item.is_map() ? item.find("path") : &item, folder);
}

// Paths of a service from another folder's file, as seen from the project's.
void rebase_service(Value& service, const std::string& folder) {
  if (folder.empty() || folder == ".") return;
  rebase_env_files(service.find("env_file"), folder);
  Value* build = service.find("build");
  if (build == nullptr) return;
  if (build->is_scalar()) {
    rebase_path(build, folder);
    return;
  }
  if (!build->is_map()) return;
  if (build->find("context") == nullptr) build->set("context", yaml::scalar(".", build->span));
  rebase_path(build->find("context"), folder);
  rebase_contexts(build->find("additional_contexts"), folder);
}

void rebase_model(Value& root, const std::string& folder) {
  if (Value* services = root.find("services")) {
    for (auto& [name, service] : services->members) rebase_service(service, folder);
  }
  if (Value* secrets = root.find("secrets")) {
    for (auto& [name, secret] : secrets->members) rebase_path(secret.find("file"), folder);
  }
}

class Loader {
 public:
  Loader(const Options& options, Environment environment)
      : options_(options), environment_(std::move(environment)) {}

  Result<Value> load(std::span<const File> files) { return load(files, environment_, 0); }

 private:
  Result<Value> load(std::span<const File> files, const Environment& environment, int depth) {
    Value model;
    for (const File& file : files) {
      for (Value& document : TRY(yaml::parse_yaml(file.text, file.name))) {
        if (document.is_null()) continue;
        if (!document.is_map()) {
          return Error(ErrorCode::InvalidInput, "top-level object must be a mapping")
              .at(document.span);
        }
        TRY(check_services(document));
        TRY(interpolate_model(document, environment));
        TRY(extend_services(document, file.name, environment, depth));
        model = TRY(merge_models(std::move(model), std::move(document)));
        TRY(include_files(model, file.name, environment, depth));
      }
    }
    return model;
  }

  static Status check_service_name(const std::string& name, const Value& service) {
    if (bake::is_target_name(target_name(name))) return {};
    return make_error(ErrorCode::InvalidInput,
                      "invalid service name {}: only \"[a-zA-Z0-9._-]+\" are allowed",
                      go_quote(name))
        .at(service.span);
  }

  static Status check_services(const Value& document) {
    const Value* services = document.find("services");
    if (services == nullptr) return {};
    if (!services->is_map()) {
      return Error(ErrorCode::InvalidInput, "services must be a mapping").at(services->span);
    }
    for (const auto& [name, service] : services->members) {
      TRY(check_service_name(name, service));
      if (service.is_null() || service.is_map()) continue;
      return make_error(ErrorCode::InvalidInput, "services.{} must be a mapping", name)
          .at(service.span);
    }
    return {};
  }

  Result<std::string> read_named(const std::string& path, const Value& where,
                                 std::string_view what) {
    if (!options_.read_file) {
      return make_error(ErrorCode::Unsupported, "{} of another file is not supported here", what)
          .at(where.span);
    }
    Result<std::string> text = options_.read_file(path);
    if (!text) return std::move(text).error().at(where.span);
    return text;
  }

  // ---- extends

  Status extend_services(Value& document, const std::string& file, const Environment& environment,
                         int depth) {
    Value* services = document.find("services");
    if (services == nullptr) return {};
    for (const auto& [name, service] : std::vector<Value::Member>(services->members)) {
      services->set(name, TRY(extended(name, *services, file, environment, depth, {})));
    }
    return {};
  }

  Result<Value> extended(const std::string& name, const Value& services, const std::string& file,
                         const Environment& environment, int depth, std::set<std::string> chain) {
    const Value* service = services.find(name);
    const Value* extends = service->find("extends");
    if (extends == nullptr) return *service;
    if (depth > kMaxNesting || !chain.insert(file + " " + name).second) {
      return make_error(ErrorCode::InvalidInput,
                        "circular reference: service \"{}\" extends itself", name)
          .at(extends->span);
    }
    const Value* base_name = extends->is_scalar() ? extends : extends->find("service");
    if (base_name == nullptr || !base_name->is_scalar()) {
      return make_error(ErrorCode::InvalidInput, "extends.{}.service is required", name)
          .at(extends->span);
    }
    const Value* other_file = extends->find("file");
    Value base;
    if (other_file == nullptr || other_file->is_null()) {
      base = TRY(base_of(*base_name, name, services, file, environment, depth, chain));
    } else {
      const std::string path = joined(folder_of(file), other_file->text);
      const std::string text = TRY(read_named(path, *other_file, "extends"));
      Value other = TRY(single_document(text, path));
      TRY(check_services(other));
      TRY(interpolate_model(other, environment));
      const Value* others = other.find("services");
      base = TRY(base_of(*base_name, name, others == nullptr ? Value() : *others, path, environment,
                         depth + 1, chain));
      rebase_service(base, folder_of(other_file->text));
    }
    Value own = *service;
    std::erase_if(own.members, [](const Value::Member& each) { return each.first == "extends"; });
    std::erase_if(base.members, [](const Value::Member& each) { return each.first == "extends"; });
    return merge_services(std::move(base), std::move(own));
  }

  Result<Value> base_of(const Value& base_name, const std::string& name, const Value& services,
                        const std::string& file, const Environment& environment, int depth,
                        const std::set<std::string>& chain) {
    if (services.find(base_name.text) == nullptr) {
      return make_error(ErrorCode::InvalidInput,
                        "cannot extend service \"{}\" in {}: service \"{}\" not found", name, file,
                        base_name.text)
          .at(base_name.span);
    }
    return extended(base_name.text, services, file, environment, depth, chain);
  }

  static Result<Value> single_document(std::string_view text, const std::string& path) {
    std::vector<Value> documents = TRY(yaml::parse_yaml(text, path));
    if (documents.empty() || !documents[0].is_map()) {
      return make_error(ErrorCode::InvalidInput, "read {}: top-level object must be a mapping",
                        path);
    }
    return std::move(documents[0]);
  }

  // ---- include

  Status include_files(Value& model, const std::string& file, const Environment& environment,
                       int depth) {
    Value* include = model.find("include");
    if (include == nullptr || include->is_null()) return {};
    if (!include->is_list()) {
      return Error(ErrorCode::InvalidInput, "include must be a list").at(include->span);
    }
    const std::vector<Value> entries = std::exchange(include->items, {});
    for (const Value& entry : entries) {
      if (depth > kMaxNesting) {
        return Error(ErrorCode::InvalidInput, "include cycle detected").at(entry.span);
      }
      Value included = TRY(load_included(entry, file, environment, depth));
      TRY(check_conflicts(model, included, entry));
      model = TRY(merge_models(std::move(included), std::move(model)));
    }
    return {};
  }

  static std::vector<Value> one_or_more(const Value* value) {
    if (value == nullptr || value->is_null()) return {};
    return value->is_list() ? value->items : std::vector{*value};
  }

  Result<Value> load_included(const Value& entry, const std::string& file,
                              const Environment& environment, int depth) {
    const std::vector<Value> paths =
        entry.is_map() ? one_or_more(entry.find("path")) : one_or_more(&entry);
    if (paths.empty()) {
      return Error(ErrorCode::InvalidInput, "include needs a path").at(entry.span);
    }
    Environment with_files = environment;
    if (entry.is_map()) {
      for (const Value& path : one_or_more(entry.find("env_file"))) {
        const std::string text =
            TRY(read_named(joined(folder_of(file), path.text), path, "include"));
        with_files = TRY(read_dotenv(text, with_files));
      }
    }
    std::vector<File> files;
    for (const Value& path : paths) {
      const std::string name = joined(folder_of(file), path.text);
      files.push_back({name, TRY(read_named(name, path, "include"))});
    }
    Value included = TRY(load(files, with_files, depth + 1));
    const Value* folder = entry.is_map() ? entry.find("project_directory") : nullptr;
    rebase_model(included, folder != nullptr && folder->is_scalar() ? folder->text
                                                                    : folder_of(paths[0].text));
    return included;
  }

  static Status check_conflicts(const Value& model, const Value& included, const Value& entry) {
    for (const char* kind : {"services", "secrets"}) {
      const Value* mine = model.find(kind);
      const Value* theirs = included.find(kind);
      if (mine == nullptr || theirs == nullptr) continue;
      for (const auto& [name, value] : theirs->members) {
        if (mine->find(name) == nullptr || *mine->find(name) == value) continue;
        return make_error(ErrorCode::InvalidInput, "{}.{} conflicts with imported resource", kind,
                          name)
            .at(entry.span);
      }
    }
    return {};
  }

  const Options& options_;
  Environment environment_;
};

// The name of the project: what the files say, else COMPOSE_PROJECT_NAME, else "bake".
Result<std::string> project_name(std::span<const File> files, const Environment& environment) {
  std::string name;
  for (const File& file : files) {
    for (const Value& document : TRY(yaml::parse_yaml(file.text, file.name))) {
      const Value* named = document.find("name");
      if (named == nullptr || !named->is_scalar()) continue;
      Result<std::string> text = interpolate(named->text, environment);
      if (!text) return std::move(text).error().at(named->span);
      name = *std::move(text);
    }
  }
  if (!name.empty()) return name;
  const auto given = environment.find(kProjectName);
  return given != environment.end() && !given->second.empty() ? given->second : "bake";
}

}  // namespace

std::string target_name(std::string service) {
  std::ranges::replace(service, '.', '_');
  return service;
}

Result<Model> load_model(std::span<const File> files, const Options& options) {
  Environment environment = options.environment;
  environment[kProjectName] = TRY(project_name(files, environment));
  Model model;
  model.root = TRY(Loader(options, environment).load(files));
  model.environment = std::move(environment);
  return model;
}

}  // namespace slipway::compose
