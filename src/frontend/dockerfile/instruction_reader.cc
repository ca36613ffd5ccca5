#include "frontend/dockerfile/instruction_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/dockerfile/flag_set.h"
#include "frontend/dockerfile/heredoc.h"
#include "frontend/dockerfile/run_device.h"
#include "frontend/dockerfile/run_mount.h"

namespace slipway::dockerfile {
namespace {

Error needs_one_argument(std::string_view name) {
  return invalid_input("{} requires exactly one argument", name);
}
Error needs_arguments(std::string_view name) {
  return invalid_input("{} requires at least one argument", name);
}
Error blank_name(std::string_view name) {
  return invalid_input("{} names can not be blank", name);
}

Status no_flags(const Request& request) {
  TRY(FlagSet::parse(request.node.flags, {}));
  return {};
}

Result<std::string> only_argument(const Request& request, std::string_view name) {
  if (request.args.size() != 1) return needs_one_argument(name);
  return request.args[0];
}

Result<std::vector<KeyValue>> key_values(const Request& request, std::string_view name) {
  TRY(no_flags(request));
  const std::vector<std::string>& args = request.args;
  if (args.empty()) return needs_arguments(name);
  if (args.size() % 3 != 0) return invalid_input("Bad input to {}, too many arguments", name);
  std::vector<KeyValue> pairs;
  for (size_t i = 0; i < args.size(); i += 3) {
    if (args[i].empty()) return blank_name(name);
    pairs.push_back({args[i], args[i + 1], args[i + 2].empty()});
  }
  return pairs;
}

Result<SourcesAndDest> sources_and_dest(const Request& request, std::string_view name) {
  const auto heredoc_of = [](std::string_view word) -> std::optional<Heredoc> {
    return parse_heredoc_word(word).value_or(std::nullopt);
  };
  SourcesAndDest paths;
  paths.dest = request.args.back();
  if (heredoc_of(paths.dest))
    return invalid_input("{} cannot accept a heredoc as a destination", name);
  for (size_t i = 0; i + 1 < request.args.size(); ++i) {
    const auto word = heredoc_of(request.args[i]);
    if (!word) {
      paths.sources.push_back(request.args[i]);
      continue;
    }
    // Of two heredocs of one name, the last one counts.
    const auto& all = request.node.heredocs;
    const auto found = std::find_if(all.rbegin(), all.rend(),
                                    [&](const Heredoc& each) { return each.name == word->name; });
    const std::string content = found == all.rend() ? "" : found->content;
    paths.contents.push_back(
        {word->name, word->chomp ? chomp_heredoc(content) : content, word->expand});
  }
  return paths;
}

Error no_destination(std::string_view name) {
  return invalid_input(
      "{} requires at least two arguments, but only one was provided. Destination could not be "
      "determined",
      name);
}

Result<Instruction> parse_add(Request request) {
  if (request.args.size() < 2) return no_destination("ADD");
  const FlagSet flags = TRY(FlagSet::parse(request.node.flags, {{"chown", FlagKind::Text},
                                                                {"chmod", FlagKind::Text},
                                                                {"link", FlagKind::Bool},
                                                                {"keep-git-dir", FlagKind::Bool},
                                                                {"checksum", FlagKind::Text},
                                                                {"unpack", FlagKind::Bool},
                                                                {"exclude", FlagKind::List}}));
  AddInstruction add;
  add.paths = TRY(sources_and_dest(request, "ADD"));
  add.chown = flags.text("chown");
  add.chmod = flags.text("chmod");
  add.checksum = flags.text("checksum");
  add.link = flags.is_true("link");
  add.excludes = flags.list("exclude");
  if (flags.has("keep-git-dir")) add.keep_git_dir = flags.is_true("keep-git-dir");
  if (flags.has("unpack")) add.unpack = flags.is_true("unpack");
  add.info = std::move(request.info);
  return Instruction(std::move(add));
}

Result<Instruction> parse_copy(Request request) {
  if (request.args.size() < 2) return no_destination("COPY");
  const FlagSet flags = TRY(FlagSet::parse(request.node.flags, {{"chown", FlagKind::Text},
                                                                {"from", FlagKind::Text},
                                                                {"chmod", FlagKind::Text},
                                                                {"link", FlagKind::Bool},
                                                                {"exclude", FlagKind::List},
                                                                {"parents", FlagKind::Bool}}));
  CopyInstruction copy;
  copy.paths = TRY(sources_and_dest(request, "COPY"));
  copy.from = flags.text("from");
  copy.chown = flags.text("chown");
  copy.chmod = flags.text("chmod");
  copy.link = flags.is_true("link");
  copy.parents = flags.is_true("parents");
  copy.excludes = flags.list("exclude");
  copy.info = std::move(request.info);
  return Instruction(std::move(copy));
}

Result<Instruction> parse_arg(Request request) {
  if (request.args.empty()) return needs_arguments("ARG");
  ArgInstruction arg;
  for (const std::string& word : request.args) {
    const size_t equals = word.find('=');
    if (equals == 0) return blank_name("ARG");
    ArgDefinition definition;
    definition.key = word.substr(0, equals);
    if (equals != std::string::npos) definition.value = word.substr(equals + 1);
    definition.doc_comment = doc_comment(request.info.comments, definition.key);
    arg.args.push_back(std::move(definition));
  }
  arg.info = std::move(request.info);
  return Instruction(std::move(arg));
}

// The JSON form as it is, anything else as one argument for the shell.
std::vector<std::string> command_args(std::vector<std::string> args, bool json) {
  if (json || args.empty()) return args;
  return {join(args, " ")};
}

CommandLine command_line(const Request& request) {
  CommandLine command;
  command.args = command_args(request.args, request.node.json);
  command.prepend_shell = !request.node.json;
  for (const Heredoc& heredoc : request.node.heredocs) {
    command.files.push_back({heredoc.name, heredoc.content, heredoc.chomp});
  }
  return command;
}

Result<std::vector<RunDevice>> run_devices(const std::vector<std::string>& values) {
  std::vector<RunDevice> devices;
  for (const std::string& value : values) devices.push_back(TRY(parse_device(value)));
  return devices;
}

Result<RunNetwork> run_network(const std::string& mode) {
  if (mode == "default") return RunNetwork::Default;
  if (mode == "none") return RunNetwork::None;
  if (mode == "host") return RunNetwork::Host;
  return invalid_input("invalid network mode {}{}", go_quote(mode),
                       did_you_mean(mode, {"default", "none", "host"}));
}

Result<RunSecurity> run_security(const std::string& mode) {
  if (mode == "sandbox") return RunSecurity::Sandbox;
  if (mode == "insecure") return RunSecurity::Insecure;
  return invalid_input("security {} is not valid{}", go_quote(mode),
                       did_you_mean(mode, {"sandbox", "insecure"}));
}

Result<Instruction> parse_run(Request request) {
  const FlagSet flags = TRY(FlagSet::parse(request.node.flags, {{"mount", FlagKind::List},
                                                                {"network", FlagKind::Text},
                                                                {"security", FlagKind::Text},
                                                                {"device", FlagKind::List}}));
  RunInstruction run;
  run.command = command_line(request);
  run.mounts = flags.list("mount");
  for (const std::string& mount : run.mounts) TRY(check_mount(mount));
  run.devices = TRY(run_devices(flags.list("device")));
  run.network = TRY(run_network(flags.text("network", "default")));
  run.security = TRY(run_security(flags.text("security", "sandbox")));
  run.info = std::move(request.info);
  return Instruction(std::move(run));
}

// A duration flag of HEALTHCHECK; 0 where not given.
Result<int64_t> interval(const FlagSet& flags, std::string_view name) {
  const std::string text = flags.text(name);
  if (text.empty()) return int64_t{0};
  const int64_t duration = TRY(parse_duration(text));
  constexpr int64_t kMillisecond = 1'000'000;
  if (duration != 0 && duration < kMillisecond) {
    return invalid_input("Interval {} cannot be less than 1ms", go_quote(name));
  }
  return duration;
}

Result<int> retries(const std::string& text) {
  if (text.empty()) return 0;
  const std::string_view digits = std::string_view(text).substr(text[0] == '+' ? 1 : 0);
  int count = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool out_of_range = read.ec == std::errc::result_out_of_range;
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
    return invalid_input("strconv.ParseInt: parsing {}: {}", go_quote(text),
                         out_of_range ? "value out of range" : "invalid syntax");
  }
  if (count < 0) return invalid_input("--retries cannot be negative ({})", count);
  return count;
}

Result<Instruction> parse_healthcheck(Request request) {
  if (request.args.empty()) return needs_arguments("HEALTHCHECK");
  HealthcheckInstruction check;
  const std::string type = to_upper(request.args[0]);
  std::vector<std::string> args(request.args.begin() + 1, request.args.end());
  if (type == "NONE") {
    if (!args.empty()) return invalid_input("HEALTHCHECK NONE takes no arguments");
    check.test = {type};
    check.info = std::move(request.info);
    return Instruction(std::move(check));
  }
  const FlagSet flags = TRY(FlagSet::parse(request.node.flags, {{"interval", FlagKind::Text},
                                                                {"timeout", FlagKind::Text},
                                                                {"start-period", FlagKind::Text},
                                                                {"start-interval", FlagKind::Text},
                                                                {"retries", FlagKind::Text}}));
  if (type != "CMD")
    return invalid_input("Unknown type {} in HEALTHCHECK (try CMD)", go_quote(type));
  check.test = command_args(std::move(args), request.node.json);
  if (check.test.empty()) return invalid_input("Missing command after HEALTHCHECK CMD");
  check.test.insert(check.test.begin(), request.node.json ? "CMD" : "CMD-SHELL");
  check.interval = TRY(interval(flags, "interval"));
  check.timeout = TRY(interval(flags, "timeout"));
  check.start_period = TRY(interval(flags, "start-period"));
  check.start_interval = TRY(interval(flags, "start-interval"));
  check.retries = TRY(retries(flags.text("retries")));
  check.info = std::move(request.info);
  return Instruction(std::move(check));
}

// The trigger's text: the line without ONBUILD, then its heredocs.
std::string onbuild_expression(const Node& node) {
  std::string_view text = node.source;
  constexpr std::string_view kSpace = " \t\n\f\r";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  text.remove_prefix(node.name.size());
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  std::string expression(text);
  for (const Heredoc& heredoc : node.heredocs) {
    expression += "\n" + heredoc.content + heredoc.name;
  }
  return expression;
}

Result<Instruction> parse_onbuild(Request request) {
  if (request.args.empty()) return needs_arguments("ONBUILD");
  TRY(no_flags(request));
  const std::string trigger = to_upper(trim_unicode(request.args[0]));
  if (trigger == "ONBUILD")
    return invalid_input("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger == "MAINTAINER" || trigger == "FROM") {
    return invalid_input("{} isn't allowed as an ONBUILD trigger", trigger);
  }
  return Instruction(OnbuildInstruction{std::move(request.info), onbuild_expression(request.node)});
}

Result<Instruction> parse_volume(Request request) {
  if (request.args.empty()) return needs_arguments("VOLUME");
  TRY(no_flags(request));
  VolumeInstruction volume;
  for (const std::string& path : request.args) {
    const std::string_view trimmed = trim_unicode(path);
    if (trimmed.empty()) return invalid_input("VOLUME specified can not be an empty string");
    volume.volumes.emplace_back(trimmed);
  }
  volume.info = std::move(request.info);
  return Instruction(std::move(volume));
}

Result<Instruction> parse_shell(Request request) {
  TRY(no_flags(request));
  if (request.args.empty()) return needs_arguments("SHELL");
  if (!request.node.json) return invalid_input("SHELL requires the arguments to be in JSON form");
  return Instruction(ShellInstruction{std::move(request.info), std::move(request.args)});
}

Result<Instruction> parse_expose(Request request) {
  if (request.args.empty()) return needs_arguments("EXPOSE");
  TRY(no_flags(request));
  std::sort(request.args.begin(), request.args.end());
  return Instruction(ExposeInstruction{std::move(request.info), std::move(request.args)});
}

Result<Instruction> parse_maintainer(Request request) {
  std::string maintainer = TRY(only_argument(request, "MAINTAINER"));
  TRY(no_flags(request));
  return Instruction(MaintainerInstruction{std::move(request.info), std::move(maintainer)});
}

Result<Instruction> parse_user(Request request) {
  std::string user = TRY(only_argument(request, "USER"));
  TRY(no_flags(request));
  return Instruction(UserInstruction{std::move(request.info), std::move(user)});
}

Result<Instruction> parse_workdir(Request request) {
  std::string path = TRY(only_argument(request, "WORKDIR"));
  TRY(no_flags(request));
  return Instruction(WorkdirInstruction{std::move(request.info), std::move(path)});
}

Result<Instruction> parse_stopsignal(Request request) {
  std::string signal = TRY(only_argument(request, "STOPSIGNAL"));
  return Instruction(StopsignalInstruction{std::move(request.info), std::move(signal)});
}

Result<Instruction> parse_env(Request request) {
  auto pairs = TRY(key_values(request, "ENV"));
  return Instruction(EnvInstruction{std::move(request.info), std::move(pairs)});
}

Result<Instruction> parse_label(Request request) {
  auto pairs = TRY(key_values(request, "LABEL"));
  return Instruction(LabelInstruction{std::move(request.info), std::move(pairs), false});
}

Result<Instruction> parse_cmd(Request request) {
  TRY(no_flags(request));
  CommandLine command = command_line(request);
  return Instruction(CmdInstruction{std::move(request.info), std::move(command)});
}

Result<Instruction> parse_entrypoint(Request request) {
  TRY(no_flags(request));
  CommandLine command = command_line(request);
  return Instruction(EntrypointInstruction{std::move(request.info), std::move(command)});
}

void flatten(const Node& node, std::vector<std::string>& args) {
  for (const Argument& argument : node.args) {
    if (argument.instruction.empty()) {
      args.push_back(argument.value);
    } else {
      args.push_back(argument.instruction[0].name);
      flatten(argument.instruction[0], args);
    }
  }
}

struct InstructionParser {
  std::string_view name;  // lower case
  Result<Instruction> (*parse)(Request);
};
constexpr InstructionParser kParsers[] = {
    {"add", parse_add},
    {"arg", parse_arg},
    {"cmd", parse_cmd},
    {"copy", parse_copy},
    {"entrypoint", parse_entrypoint},
    {"env", parse_env},
    {"expose", parse_expose},
    {"healthcheck", parse_healthcheck},
    {"label", parse_label},
    {"maintainer", parse_maintainer},
    {"onbuild", parse_onbuild},
    {"run", parse_run},
    {"shell", parse_shell},
    {"stopsignal", parse_stopsignal},
    {"user", parse_user},
    {"volume", parse_volume},
    {"workdir", parse_workdir},
};

Error unknown_instruction(const std::string& name) {
  const bool lower = name == to_lower(name);
  std::vector<std::string> known = {lower ? "from" : "FROM"};
  for (const InstructionParser& parser : kParsers) {
    known.push_back(lower ? std::string(parser.name) : to_upper(parser.name));
  }
  return invalid_input("unknown instruction: {}{}", name,
                       did_you_mean(lower ? name : to_upper(name), known));
}

}  // namespace

Request request_of(const Node& node, std::string_view file) {
  Request request{node,
                  {node.name,
                   std::string(trim_unicode(node.source)),
                   {std::string(file), node.first_line, node.last_line},
                   node.comments},
                  {}};
  flatten(node, request.args);
  return request;
}

std::string doc_comment(const std::vector<std::string>& comments, std::string_view name) {
  if (name.empty()) return "";
  const std::string prefix = std::string(name) + " ";
  for (const std::string& comment : comments) {
    if (comment.starts_with(prefix)) return comment.substr(prefix.size());
  }
  return "";
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

Result<Instruction> read_instruction(const Node& node, std::string_view file) {
  const std::string name = to_lower(node.name);
  for (const InstructionParser& parser : kParsers) {
    if (parser.name == name) return parser.parse(request_of(node, file));
  }
  return unknown_instruction(node.name);
}

}  // namespace slipway::dockerfile
