// Asking the kernel is surer than reading /proc/sys/fs/binfmt_misc: it is often not mounted where
// the handlers work all the same (in a container), and it does not tell of what a processor runs by
// itself. The program is tried with its own directory as root, as in a container: an emulator is
// only found there when its handler has the F flag (fix binary), which opens it at registration.
#include "executor/platform_probe.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file_io.h"

namespace slipway::executor {
namespace {

constexpr uint64_t kLoadAddress = 0x400000;
constexpr uint64_t kPage = 0x10000;  // the largest that any of the kernels has

struct Machine {
  std::string_view architecture;
  bool is_64_bit;
  bool is_big_endian;
  uint16_t number;        // e_machine
  uint32_t flags;         // e_flags
  std::string_view code;  // exit(0)
};

using namespace std::string_view_literals;
constexpr std::array kMachines = {
    // mov edi, 0; mov eax, 60; syscall
    Machine{"amd64", true, false, 62, 0, "\xbf\0\0\0\0\xb8\x3c\0\0\0\x0f\x05"sv},
    // mov ebx, 0; mov eax, 1; int 0x80
    Machine{"386", false, false, 3, 0, "\xbb\0\0\0\0\xb8\x01\0\0\0\xcd\x80"sv},
    // mov x0, #0; mov x8, #93; svc #0
    Machine{"arm64", true, false, 183, 0, "\x00\x00\x80\xd2\xa8\x0b\x80\xd2\x01\x00\x00\xd4"sv},
    // mov r0, #0; mov r7, #1; svc #0
    Machine{"arm", false, false, 40, 0x05000000,
            "\x00\x00\xa0\xe3\x01\x70\xa0\xe3\x00\x00\x00\xef"sv},
    // li a0, 0; li a7, 93; ecall
    Machine{"riscv64", true, false, 243, 0, "\x13\x05\x00\x00\x93\x08\xd0\x05\x73\x00\x00\x00"sv},
    // li r0, 1; li r3, 0; sc
    Machine{"ppc64le", true, false, 21, 2, "\x01\x00\x00\x38\x00\x00\x60\x38\x02\x00\x00\x44"sv},
    // lghi %r2, 0; svc 1
    Machine{"s390x", true, true, 22, 0, "\xa7\x29\x00\x00\x0a\x01"sv},
    // or $a0, $zero, $zero; addi.w $a7, $zero, 93; syscall 0
    Machine{"loong64", true, false, 258, 0x43,
            "\x04\x00\x15\x00\x0b\x74\x81\x02\x00\x00\x2b\x00"sv},
};

// Integers in the byte order of a machine.
class ElfWriter {
 public:
  explicit ElfWriter(const Machine& machine) : machine_(machine) {}
  void bytes(std::string_view text) { text_ += text; }
  void number(uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      const size_t shift = machine_.is_big_endian ? size - 1 - i : i;
      text_ += static_cast<char>(value >> (8 * shift));
    }
  }
  // An address, an offset or a size.
  void word(uint64_t value) { number(value, machine_.is_64_bit ? 8 : 4); }
  std::string take() { return std::move(text_); }

 private:
  const Machine& machine_;
  std::string text_;
};

// Both headers and the code, loaded as one segment (System V ABI, chapters 4 and 5).
std::string elf_file(const Machine& machine) {
  const uint16_t header_size = machine.is_64_bit ? 64 : 52;
  const uint16_t segment_size = machine.is_64_bit ? 56 : 32;
  const uint64_t size = header_size + segment_size + machine.code.size();
  constexpr uint32_t kReadAndExecute = 5;
  ElfWriter elf(machine);
  elf.bytes(
      "\x7f"
      "ELF");
  elf.number(machine.is_64_bit ? 2 : 1, 1);
  elf.number(machine.is_big_endian ? 2 : 1, 1);
  elf.bytes("\x01\0\0\0\0\0\0\0\0\0"sv);
  elf.number(2, 2);  // an executable
  elf.number(machine.number, 2);
  elf.number(1, 4);
  elf.word(kLoadAddress + header_size + segment_size);  // entry
  elf.word(header_size);                                // where the segments are described
  elf.word(0);
  elf.number(machine.flags, 4);
  elf.number(header_size, 2);
  elf.number(segment_size, 2);
  elf.number(1, 2);
  elf.bytes("\0\0\0\0\0\0"sv);  // no sections
  elf.number(1, 4);             // PT_LOAD
  if (machine.is_64_bit) elf.number(kReadAndExecute, 4);
  elf.word(0);
  elf.word(kLoadAddress);
  elf.word(kLoadAddress);
  elf.word(size);
  elf.word(size);
  if (!machine.is_64_bit) elf.number(kReadAndExecute, 4);
  elf.word(kPage);
  elf.bytes(machine.code);
  return elf.take();
}

bool runs(const std::filesystem::path& directory, bool as_root_directory) {
  ProcessOptions options;
  options.argv = {"exit"};
  options.executable = "./exit";
  options.working_directory = directory;
  options.environment.emplace();
  if (as_root_directory) options.before_exec = [] { return ::chroot(".") == 0; };
  const Result<CommandOutput> ended = run_command(std::move(options));
  return ended && ended->status.success();
}

}  // namespace

std::string exit_program(std::string_view architecture) {
  for (const Machine& machine : kMachines) {
    if (machine.architecture == architecture) return elf_file(machine);
  }
  return {};
}

Status PlatformProbe::check(const Platform& platform) {
  const Platform wanted = platform.normalized();
  const Platform host = Platform::host();
  if (wanted.os != host.os) {
    return make_error(ErrorCode::Unsupported, "steps of {} cannot run on {}", wanted.str(),
                      host.str());
  }
  if (wanted.architecture == host.architecture) return {};
  auto outcomes = outcomes_.lock();
  const auto known = outcomes->find(wanted.architecture);
  if (known != outcomes->end()) return known->second;
  return outcomes->emplace(wanted.architecture, try_out(wanted)).first->second;
}

Status PlatformProbe::try_out(const Platform& platform) const {
  const std::string program = exit_program(platform.architecture);
  // Then the step itself shows it.
  if (program.empty()) return {};
  const TempDir directory = TRY(TempDir::create(scratch_.path(), "probe-"));
  TRY(write_file_atomic(directory.path() / "exit", program, 0755));
  if (runs(directory.path(), true)) return {};
  if (runs(directory.path(), false)) {
    return make_error(ErrorCode::Unsupported,
                      "steps of {} cannot run: its emulator is registered without the F flag, so "
                      "that containers do not find it",
                      platform.str())
        .with_hint("register one with that flag, as Debian's qemu-user-static does");
  }
  return make_error(ErrorCode::Unsupported,
                    "steps of {} cannot run on {}: no emulator is registered for it",
                    platform.str(), Platform::host().str())
      .with_hint(
          fmt::format("install one: apt-get install qemu-user-static, or docker run "
                      "--privileged --rm tonistiigi/binfmt --install {}; or build in a stage "
                      "FROM --platform=$BUILDPLATFORM and COPY from it",
                      platform.architecture));
}

}  // namespace slipway::executor
