#include "packages/spdx.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "oci/digest.h"
#include "oci/json_writer.h"
#include "oci/purl.h"
#include "oci/rfc3339.h"

namespace slipway::packages {
namespace {

constexpr char kNothingSaid[] = "NOASSERTION";
constexpr char kSystemId[] = "SPDXRef-OperatingSystem";
constexpr size_t kIdDigits = 16;

std::string_view type_of(PackageKind kind) {
  switch (kind) {
    case PackageKind::Deb:
      return "deb";
    case PackageKind::Apk:
      return "apk";
    case PackageKind::Rpm:
      return "rpm";
    case PackageKind::Python:
      return "pypi";
    case PackageKind::Npm:
      return "npm";
  }
  return {};
}

// The names of an SPDX element have letters, digits, dots and dashes only.
std::string spdx_id(const Package& package, const std::string& url) {
  std::string name = package.name;
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '.'; }, '-');
  const Digest digest = Digest::sha256_of(url + "\n" + package.file);
  return fmt::format("SPDXRef-Package-{}-{}-{}", type_of(package.kind), name,
                     digest.hex().substr(0, kIdDigits));
}

void write_package(JsonWriter& json, const Package& package, const std::string& id,
                   const std::string& url) {
  json.begin_object();
  json.key("name").string(package.name);
  json.key("SPDXID").string(id);
  json.key("versionInfo").string(package.version);
  if (package.supplier.empty()) {
    json.key("supplier").string(kNothingSaid);
  } else {
    json.key("supplier").string("Organization: " + package.supplier);
  }
  json.key("downloadLocation").string(kNothingSaid);
  json.key("filesAnalyzed").boolean(false);
  json.key("sourceInfo").string("acquired package info from " + package.file);
  json.key("licenseConcluded").string(kNothingSaid);
  // What packages say is rarely an expression that SPDX has.
  json.key("licenseDeclared").string(kNothingSaid);
  if (!package.license.empty()) {
    json.key("licenseComments").string("the package says: " + package.license);
  }
  json.key("copyrightText").string(kNothingSaid);
  json.key("externalRefs").begin_array().begin_object();
  json.key("referenceCategory").string("PACKAGE-MANAGER");
  json.key("referenceType").string("purl");
  json.key("referenceLocator").string(url);
  json.end_object().end_array();
  json.end_object();
}

void write_system(JsonWriter& json, const Distribution& distribution) {
  json.begin_object();
  json.key("name").string(distribution.id);
  json.key("SPDXID").string(kSystemId);
  json.key("versionInfo").string(distribution.version);
  for (const char* key :
       {"supplier", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"}) {
    json.key(key).string(kNothingSaid);
  }
  json.key("filesAnalyzed").boolean(false);
  // As the JSON schema has it; the text of the specification is about the other format.
  json.key("primaryPackagePurpose").string("OPERATING_SYSTEM");
  json.end_object();
}

void write_relation(JsonWriter& json, std::string_view from, std::string_view type,
                    std::string_view to) {
  json.begin_object();
  json.key("spdxElementId").string(from);
  json.key("relationshipType").string(type);
  json.key("relatedSpdxElement").string(to);
  json.end_object();
}

}  // namespace

std::string package_url(const Package& package, const Distribution& distribution) {
  Purl purl{
      .type = std::string(type_of(package.kind)), .name = package.name, .version = package.version};
  const std::string distro =
      distribution.version.empty() ? distribution.id : distribution.id + "-" + distribution.version;
  switch (package.kind) {
    case PackageKind::Deb:
    case PackageKind::Apk:
    case PackageKind::Rpm:
      purl.space = distribution.id;
      purl.qualifiers = {
          {"arch", package.architecture}, {"distro", distro}, {"upstream", package.source}};
      break;
    case PackageKind::Python:
      purl.name = to_lower(package.name);
      std::ranges::replace(purl.name, '_', '-');
      break;
    case PackageKind::Npm:
      if (const size_t slash = package.name.find('/'); slash != std::string::npos) {
        purl.space = package.name.substr(0, slash);
        purl.name = package.name.substr(slash + 1);
      }
      break;
  }
  if (package.kind == PackageKind::Rpm) {
    const size_t colon = package.version.find(':');
    if (colon != std::string::npos) {
      purl.qualifiers["epoch"] = package.version.substr(0, colon);
      purl.version = package.version.substr(colon + 1);
    }
  }
  return purl.str();
}

std::string spdx_document(const Inventory& inventory, const SpdxOptions& options) {
  struct Element {
    const Package* package;
    std::string url;
    std::string id;
  };
  std::vector<Element> elements;
  std::set<std::string> ids;  // a damaged database can have a package twice
  std::string all = options.name;
  for (const Package& package : inventory.packages) {
    std::string url = package_url(package, inventory.distribution);
    std::string id = spdx_id(package, url);
    if (!ids.insert(id).second) continue;
    all += "\n" + id;
    elements.push_back({&package, std::move(url), std::move(id)});
  }
  const Digest space = Digest::sha256_of(all);

  JsonWriter json(2);
  json.begin_object();
  json.key("spdxVersion").string("SPDX-2.3");
  json.key("dataLicense").string("CC0-1.0");
  json.key("SPDXID").string("SPDXRef-DOCUMENT");
  json.key("name").string(options.name);
  json.key("documentNamespace")
      .string(fmt::format("https://spdx.org/spdxdocs/slipway-{}", space.hex()));
  json.key("creationInfo").begin_object();
  json.key("creators").begin_array().string("Tool: " + options.creator).end_array();
  json.key("created").string(format_rfc3339(options.created));
  json.end_object();
  json.key("packages").begin_array();
  if (!inventory.distribution.id.empty()) write_system(json, inventory.distribution);
  for (const Element& element : elements) {
    write_package(json, *element.package, element.id, element.url);
  }
  json.end_array();
  json.key("relationships").begin_array();
  if (!inventory.distribution.id.empty()) {
    write_relation(json, "SPDXRef-DOCUMENT", "DESCRIBES", kSystemId);
  }
  for (const Element& element : elements) {
    write_relation(json, "SPDXRef-DOCUMENT", "DESCRIBES", element.id);
  }
  json.end_array();
  if (!inventory.warnings.empty()) json.key("comment").string(join(inventory.warnings, "\n"));
  json.end_object();
  return json.take();
}

}  // namespace slipway::packages
