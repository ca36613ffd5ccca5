#include "progress/recorder.h"

#include <fcntl.h>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file_io.h"

namespace slipway::progress {
namespace {

using Json = nlohmann::ordered_json;

std::string to_text(Time time) {
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     nanoseconds % 1'000'000'000);
}

std::optional<Time> to_time(const Json& object, const char* key) {
  if (!object.contains(key) || !object[key].is_string()) return std::nullopt;
  const std::string text = object[key];
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  Time time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  if (*rest == '.') {
    int64_t nanoseconds = 0;
    int64_t unit = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) {
      nanoseconds += (*rest - '0') * unit;
    }
    time += std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(nanoseconds));
  }
  return time;
}

void put_time(Json& object, const char* key, const std::optional<Time>& time) {
  if (time) object[key] = to_text(*time);
}

Json to_json(const VertexEvent& e) {
  Json v{{"digest", e.digest.str()}};
  for (const Digest& input : e.inputs) v["inputs"].push_back(input.str());
  v["name"] = e.name;
  put_time(v, "started", e.started);
  put_time(v, "completed", e.completed);
  if (e.cached) v["cached"] = true;
  if (!e.error.empty()) v["error"] = e.error;
  if (e.group) {
    Json group{{"id", e.group->id}, {"name", e.group->name}};
    if (e.group->weak) group["weak"] = true;
    v["progressGroup"] = std::move(group);
  }
  return {{"vertexes", Json::array({v})}};
}

Json to_json(const StatusEvent& e) {
  Json s{{"id", e.id}, {"vertex", e.vertex.str()}};
  if (e.total != 0) s["total"] = e.total;
  s["current"] = e.current;
  s["timestamp"] = to_text(e.timestamp);
  put_time(s, "started", e.started);
  put_time(s, "completed", e.completed);
  return {{"statuses", Json::array({s})}};
}

Json to_json(const LogEvent& e) {
  return {{"logs", Json::array({{{"vertex", e.vertex.str()},
                                 {"stream", e.stream},
                                 {"data", encode_base64(e.data)},
                                 {"timestamp", to_text(e.timestamp)}}})}};
}

Json to_json(const WarningEvent& e) {
  Json w{{"vertex", e.vertex.str()}, {"level", 1}, {"short", encode_base64(e.message)}};
  if (!e.detail.empty()) w["detail"] = Json::array({encode_base64(e.detail)});
  if (!e.url.empty()) w["url"] = e.url;
  if (!e.spans.empty()) w["sourceInfo"] = {{"filename", e.spans.front().file}};
  for (const SourceSpan& span : e.spans) {
    w["range"].push_back(
        {{"start", {{"line", span.first_line}}}, {"end", {{"line", span.last_line}}}});
  }
  return {{"warnings", Json::array({w})}};
}

Digest digest_of(const Json& object, const char* key) {
  const auto digest = Digest::parse(object.value(key, ""));
  return digest ? *digest : Digest();
}

Event to_vertex(const Json& v) {
  VertexEvent e{.digest = digest_of(v, "digest"), .name = v.value("name", "")};
  if (v.contains("inputs")) {
    for (const Json& input : v["inputs"]) {
      if (const auto digest = Digest::parse(input.get<std::string>())) e.inputs.push_back(*digest);
    }
  }
  e.started = to_time(v, "started");
  e.completed = to_time(v, "completed");
  e.cached = v.value("cached", false);
  e.error = v.value("error", "");
  if (v.contains("progressGroup")) {
    const Json& group = v["progressGroup"];
    e.group =
        ProgressGroup{group.value("id", ""), group.value("name", ""), group.value("weak", false)};
  }
  return e;
}

Event to_status(const Json& s) {
  return StatusEvent{digest_of(s, "vertex"),
                     s.value("id", ""),
                     s.value("current", int64_t{0}),
                     s.value("total", int64_t{0}),
                     to_time(s, "timestamp").value_or(Time()),
                     to_time(s, "started"),
                     to_time(s, "completed")};
}

Result<std::string> decode(std::string_view text) {
  std::optional<std::string> bytes = decode_base64(text);
  if (bytes) return *std::move(bytes);
  return make_error(ErrorCode::InvalidInput, "a line of progress holds no base64");
}

Result<Event> to_log(const Json& l) {
  std::string data = TRY(decode(l.value("data", "")));
  return Event(LogEvent{digest_of(l, "vertex"), l.value("stream", 1), std::move(data),
                        to_time(l, "timestamp").value_or(Time())});
}

Result<Event> to_warning(const Json& w) {
  WarningEvent e{.vertex = digest_of(w, "vertex")};
  e.message = TRY(decode(w.value("short", "")));
  if (w.contains("detail") && !w["detail"].empty()) {
    e.detail = TRY(decode(w["detail"][0].get<std::string>()));
  }
  e.url = w.value("url", "");
  if (!w.contains("sourceInfo") || !w.contains("range")) return Event(std::move(e));
  for (const Json& range : w["range"]) {
    e.spans.push_back({w["sourceInfo"].value("filename", ""), range.at("start").value("line", 0),
                       range.at("end").value("line", 0)});
  }
  return Event(std::move(e));
}

}  // namespace

std::string to_json_line(const Event& event) {
  const Json json = std::visit([](const auto& e) { return to_json(e); }, event);
  // Names and errors may hold any bytes; what is no UTF-8 is replaced rather than refused.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Event> parse_json_line(std::string_view line) {
  const Error error(ErrorCode::InvalidInput, "not a line of progress");
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return error;
  try {
    if (json.contains("vertexes")) return to_vertex(json["vertexes"].at(0));
    if (json.contains("statuses")) return to_status(json["statuses"].at(0));
    if (json.contains("logs")) return to_log(json["logs"].at(0));
    if (json.contains("warnings")) return to_warning(json["warnings"].at(0));
  } catch (const Json::exception&) {
    return error;
  }
  return error;
}

Result<std::unique_ptr<Recorder>> Recorder::create(const std::string& path) {
  return std::make_unique<Recorder>(
      TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600)));
}

void Recorder::handle(const Event& event) {
  const std::string line = to_json_line(event);
  auto file = file_.lock();
  // A full disk must not end the build for the sake of its record.
  (void)write_all(file->get(), line).has_value();
}

}  // namespace slipway::progress
