#include "progress/joined.h"

namespace slipway::progress {

namespace {

const Digest& vertex_of(const Event& event) {
  if (const auto* vertex = std::get_if<VertexEvent>(&event)) return vertex->digest;
  if (const auto* status = std::get_if<StatusEvent>(&event)) return status->vertex;
  if (const auto* log = std::get_if<LogEvent>(&event)) return log->vertex;
  return std::get<WarningEvent>(event).vertex;
}

}  // namespace

class JoinedSink::Target : public Sink {
 public:
  Target(JoinedSink& owner, std::string name) : owner_(owner), name_(std::move(name)) {}
  ~Target() override { owner_.release(this); }

  void handle(const Event& event) override {
    if (!owner_.shows(this, vertex_of(event))) return;
    const auto* vertex = std::get_if<VertexEvent>(&event);
    if (vertex == nullptr) {
      owner_.out_.handle(event);
      return;
    }
    VertexEvent named = *vertex;
    named.name = prefixed_name(name_, named.name);
    if (named.group) {
      // Groups of two targets may have one id; their names tell them apart.
      named.group->name = prefixed_name(name_, named.group->name);
    }
    owner_.out_.handle(named);
  }

 private:
  JoinedSink& owner_;
  std::string name_;
};

std::unique_ptr<Sink> JoinedSink::target(std::string name) {
  return std::make_unique<Target>(*this, std::move(name));
}

bool JoinedSink::shows(const Target* target, const Digest& vertex) {
  auto shown_for = shown_for_.lock();
  const Target*& owner = (*shown_for)[vertex];
  if (owner == nullptr) owner = target;
  return owner == target;
}

void JoinedSink::release(const Target* target) {
  auto shown_for = shown_for_.lock();
  for (auto& [vertex, owner] : *shown_for) {
    if (owner == target) owner = nullptr;
  }
}

std::string prefixed_name(const std::string& target, const std::string& name) {
  return name.starts_with('[') ? "[" + target + " " + name.substr(1) : "[" + target + "] " + name;
}

}  // namespace slipway::progress
