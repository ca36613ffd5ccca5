#include "frontend/dockerfile/instruction.h"

namespace slipway::dockerfile {

const InstructionInfo& info_of(const Instruction& instruction) {
  return std::visit([](const auto& typed) -> const InstructionInfo& { return typed.info; },
                    instruction);
}

}  // namespace slipway::dockerfile
