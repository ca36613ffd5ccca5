#include "packages/databases.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/json_fields.h"
#include "packages/control_fields.h"

namespace slipway::packages {
namespace {

constexpr size_t kMaxPackageJsonBytes = 16 << 20;

// "name (version)" or "name": the name.
std::string source_name(std::string_view text) {
  return std::string(trim(text.substr(0, text.find('('))));
}

bool is_installed(std::string_view status) {
  // "install ok installed"; the files of status.d say nothing.
  return status.empty() || trim(status).ends_with(" installed");
}

// What apk's database has between two empty lines: "P:musl".
struct ApkRecord {
  Package package{.kind = PackageKind::Apk};

  void take(char key, std::string_view value) {
    switch (key) {
      case 'P':
        package.name = value;
        break;
      case 'V':
        package.version = value;
        break;
      case 'A':
        package.architecture = value;
        break;
      case 'L':
        package.license = value;
        break;
      case 'o':
        package.source = value;
        break;
      case 'm':
        package.supplier = value;
        break;
      default:
        break;
    }
  }
};

// The license of package.json: a text, or an older object or list of them.
std::string npm_license(const nlohmann::json& document) {
  const auto text_of = [](const nlohmann::json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_object()) return std::string();
    const auto type = value.find("type");
    return type != value.end() && type->is_string() ? type->get<std::string>() : std::string();
  };
  const auto license = document.find("license");
  if (license != document.end()) return text_of(*license);
  const auto licenses = document.find("licenses");
  if (licenses == document.end() || !licenses->is_array()) return {};
  std::vector<std::string> all;
  for (const nlohmann::json& one : *licenses) all.push_back(text_of(one));
  return join(all, " OR ");
}

std::string text_member(const nlohmann::json& document, const char* name) {
  const auto member = document.find(name);
  return member != document.end() && member->is_string() ? member->get<std::string>() : "";
}

}  // namespace

std::vector<Package> parse_dpkg_status(std::string_view text) {
  std::vector<Package> packages;
  while (!text.empty() && packages.size() <= kMostPackages) {
    const Paragraph paragraph = next_paragraph(text);
    Package package{.kind = PackageKind::Deb,
                    .name = std::string(paragraph.value("Package")),
                    .version = std::string(paragraph.value("Version")),
                    .architecture = std::string(paragraph.value("Architecture")),
                    .source = source_name(paragraph.value("Source")),
                    .supplier = std::string(paragraph.value("Maintainer"))};
    if (package.source == package.name) package.source.clear();
    const bool whole = !package.name.empty() && !package.version.empty();
    if (whole && is_installed(paragraph.value("Status"))) packages.push_back(std::move(package));
  }
  return packages;
}

std::vector<Package> parse_apk_installed(std::string_view text) {
  std::vector<Package> packages;
  ApkRecord record;
  const auto finish = [&] {
    Package& package = record.package;
    if (package.source == package.name) package.source.clear();
    if (!package.name.empty() && !package.version.empty()) packages.push_back(std::move(package));
    record = {};
  };
  while (!text.empty() && packages.size() <= kMostPackages) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      finish();
    } else if (line.size() > 2 && line[1] == ':') {
      record.take(line[0], line.substr(2));
    }
  }
  finish();
  return packages;
}

std::optional<Package> parse_python_metadata(std::string_view text) {
  const Paragraph fields = next_paragraph(text);
  Package package{.kind = PackageKind::Python,
                  .name = std::string(fields.value("Name")),
                  .version = std::string(fields.value("Version")),
                  .license = std::string(fields.value("License-Expression")),
                  .supplier = std::string(fields.value("Author"))};
  if (package.license.empty()) package.license = fields.value("License");
  if (package.name.empty() || package.version.empty()) return std::nullopt;
  return package;
}

Result<std::optional<Package>> parse_npm_package(std::string_view text) {
  const nlohmann::json document = TRY(json_fields::parse_object(text, kMaxPackageJsonBytes));
  Package package{.kind = PackageKind::Npm,
                  .name = text_member(document, "name"),
                  .version = text_member(document, "version"),
                  .license = npm_license(document)};
  if (package.name.empty() || package.version.empty()) return std::optional<Package>();
  return std::optional(std::move(package));
}

Distribution parse_os_release(std::string_view text) {
  Distribution distribution;
  for (const std::string& line : split(text, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view name = trim(std::string_view(line).substr(0, equals));
    std::string_view value = trim(std::string_view(line).substr(equals + 1));
    const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    if (quoted) value = value.substr(1, value.size() - 2);
    if (name == "ID") distribution.id = value;
    if (name == "VERSION_ID") distribution.version = value;
    if (name == "PRETTY_NAME") distribution.name = value;
  }
  return distribution;
}

}  // namespace slipway::packages
