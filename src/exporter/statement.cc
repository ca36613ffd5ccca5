#include "exporter/statement.h"

#include "oci/json_writer.h"

namespace slipway::exporter {
namespace {

constexpr char kStatementType[] = "https://in-toto.io/Statement/v1";

}  // namespace

std::string statement_json(const Attestation& attestation, const std::vector<Subject>& subjects,
                           int indent) {
  JsonWriter json(indent);
  json.begin_object();
  json.key("_type").string(kStatementType);
  json.key("predicateType").string(attestation.predicate_type);
  json.key("subject").begin_array();
  for (const Subject& subject : subjects) {
    const Digest& digest = subject.digest;
    json.begin_object();
    json.key("name").string(subject.name);
    json.key("digest").map({{std::string(digest.algorithm()), std::string(digest.hex())}});
    json.end_object();
  }
  json.end_array();
  json.key("predicate").raw(attestation.predicate);
  json.end_object();
  return json.take();
}

}  // namespace slipway::exporter
