#include "executor/seccomp_profile.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "base/file_io.h"
#include "base/unique_fd.h"

namespace slipway::executor {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;

scmp_arg_cmp to_libseccomp(const SeccompCondition& condition) {
  switch (condition.compare) {
    case SeccompCompare::Equal:
      return {condition.argument, SCMP_CMP_EQ, condition.value, 0};
    case SeccompCompare::NotEqual:
      return {condition.argument, SCMP_CMP_NE, condition.value, 0};
    case SeccompCompare::MaskedEqual:
      return {condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value};
  }
  __builtin_unreachable();
}

Status add_rule(scmp_filter_ctx context, const SeccompRule& rule) {
  const uint32_t action = rule.errno_value == 0
                              ? SCMP_ACT_ALLOW
                              : SCMP_ACT_ERRNO(static_cast<uint32_t>(rule.errno_value));
  std::vector<scmp_arg_cmp> conditions;
  for (const SeccompCondition& condition : rule.conditions) {
    conditions.push_back(to_libseccomp(condition));
  }
  for (const char* name : rule.names) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    const int failed = ::seccomp_rule_add_array(
        context, action, number, static_cast<unsigned>(conditions.size()), conditions.data());
    if (failed != 0)
      return Error::from_errno(-failed, fmt::format("add seccomp rule for {}", name));
  }
  return {};
}

// The architectures that the kernel of this one runs besides its own.
Status add_architectures(scmp_filter_ctx context) {
  std::vector<uint32_t> others;
  if (::seccomp_arch_native() == SCMP_ARCH_X86_64) others = {SCMP_ARCH_X86, SCMP_ARCH_X32};
  if (::seccomp_arch_native() == SCMP_ARCH_AARCH64) others = {SCMP_ARCH_ARM};
  for (const uint32_t architecture : others) {
    const int failed = ::seccomp_arch_add(context, architecture);
    if (failed != 0 && failed != -EEXIST) {
      return Error::from_errno(-failed, "add architecture to seccomp filter");
    }
  }
  return {};
}

// What runs before libseccomp's part: the calls that it does not know by name.
std::vector<sock_filter> prologue_for_new_syscalls() {
  std::vector<sock_filter> code;
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  const auto calls = new_syscalls();
  // Old numbers and x32 calls skip the whole prologue: (a compare and a return) per call, one
  // return.
  const auto skip = static_cast<uint8_t>(2 * calls.size() + 1);
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, static_cast<uint8_t>(skip + 1), 0));
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kFirstNewSyscall, 0, skip));
  for (const NewSyscall& call : calls) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  return code;
}

}  // namespace

Result<std::string> compile_seccomp_filter() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> context(
      ::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release);
  if (!context) return make_error(ErrorCode::Internal, "create seccomp filter: out of memory");
  TRY(add_architectures(context.get()));
  // A binary tree instead of a list of compares; where libseccomp is too old for it the list works.
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const SeccompRule& rule : seccomp_rules()) TRY(add_rule(context.get(), rule));

  const UniqueFd memory(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!memory) return errno_error("create memory file");
  if (const int failed = ::seccomp_export_bpf(context.get(), memory.get()); failed != 0) {
    return Error::from_errno(-failed, "generate seccomp filter");
  }
  if (::lseek(memory.get(), 0, SEEK_SET) != 0) return errno_error("rewind memory file");
  const std::string body = TRY(read_fd(memory.get()));
  const std::vector<sock_filter> prologue = prologue_for_new_syscalls();
  return std::string(reinterpret_cast<const char*>(prologue.data()),
                     prologue.size() * sizeof(sock_filter)) +
         body;
}

}  // namespace slipway::executor
