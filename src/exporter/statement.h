// Statement: what an attestation says, and of what (in-toto attestation framework,
// spec/v1/statement).
#pragma once

#include <string>
#include <vector>

#include "exporter/exporter.h"

namespace slipway::exporter {

struct Subject {
  std::string name;
  Digest digest;
};

// As JSON, with this many spaces per level; 0: on one line.
std::string statement_json(const Attestation& attestation, const std::vector<Subject>& subjects,
                           int indent);

}  // namespace slipway::exporter
