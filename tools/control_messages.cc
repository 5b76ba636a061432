#include "tools/control_messages.h"

#include <array>
#include <boost/json.hpp>

#include "tools/printable.h"

namespace enfold {
namespace {

namespace json = boost::json;

// One table for both directions. Members are visited with their names.
template <class Status, class Visit>
void visit_members(Status& status,
                   Visit visit) requires std::same_as<std::remove_const_t<Status>, MountStatus> {
  visit("volume", status.volume);
  visit("lower", status.lower);
  visit("mountpoint", status.mountpoint);
  visit("pid", status.pid);
  visit("kms", status.kms_url);
  visit("key", status.key_arn);
  visit("key_state", status.key_state);
  visit("key_material", status.key_material);
  visit("mount_number", status.mount_number);
  visit("read_only", status.read_only);
  visit("recovering", status.recovering);
}

template <class Counts, class Visit>
void visit_members(Counts& counts,
                   Visit visit) requires std::same_as<std::remove_const_t<Counts>, CheckCounts> {
  visit("files", counts.files);
  visit("directories", counts.directories);
  visit("special_objects", counts.special_objects);
  visit("content_bytes", counts.content_bytes);
  visit("findings", counts.findings);
}

template <class F, class Visit>
void visit_members(F& finding, Visit visit) requires std::same_as<std::remove_const_t<F>, Finding> {
  visit("path", finding.plain_path);
  visit("lower_path", finding.lower_path);
  visit("what", finding.what);
}

struct Encoder {
  json::object out;
  void operator()(const char* name, const std::string& value) { out[name] = printable(value); }
  void operator()(const char* name, std::uint64_t value) { out[name] = value; }
  void operator()(const char* name, bool value) { out[name] = value; }
};

struct Decoder {
  const json::object& in;
  bool ok = true;

  const json::value* member(const char* name) {
    const json::value* found = in.if_contains(name);
    ok = ok && found != nullptr;
    return found;
  }
  void operator()(const char* name, std::string& value) {
    const json::value* found = member(name);
    ok = ok && found->is_string();
    if (ok) value = original_of(std::string_view(found->get_string()));
  }
  void operator()(const char* name, std::uint64_t& value) {
    const json::value* found = member(name);
    json::error_code error;
    if (ok) value = found->to_number<std::uint64_t>(error);
    ok = ok && !error;
  }
  void operator()(const char* name, bool& value) {
    const json::value* found = member(name);
    ok = ok && found->is_bool();
    if (ok) value = found->get_bool();
  }
};

template <class T>
json::object encode(const T& value) {
  Encoder encoder;
  visit_members(value, std::ref(encoder));
  return std::move(encoder.out);
}

template <class T>
std::optional<T> decode(const json::object& in) {
  T value{};
  Decoder decoder{in};
  visit_members(value, std::ref(decoder));
  if (!decoder.ok) return std::nullopt;
  return value;
}

struct EncodeMessage {
  json::object operator()(const Error& error) const {
    return {{"error",
             {{"code", static_cast<unsigned>(error.code)},
              {"errno", error.errno_value},
              {"message", printable(error.message)}}}};
  }
  json::object operator()(const MountStatus& status) const { return {{"status", encode(status)}}; }
  json::object operator()(const Finding& finding) const {
    json::object out = encode(finding);
    out["severity"] = static_cast<unsigned>(finding.severity);
    return {{"finding", std::move(out)}};
  }
  json::object operator()(const CheckProgress& progress) const {
    return {{"progress", encode(progress.counts)}};
  }
  json::object operator()(const CheckDone& done) const { return {{"checked", encode(done.counts)}}; }
};

std::optional<json::object> parse_object(const std::string& line) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 4;
  json::value value = json::parse(line, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<ControlMessage> decode_error(const json::object& in) {
  std::uint64_t code = 0;
  std::uint64_t errno_value = 0;
  Error error;
  Decoder decoder{in};
  decoder("code", code);
  decoder("errno", errno_value);
  decoder("message", error.message);
  if (!decoder.ok || code > static_cast<unsigned>(Errc::kKmsBadAnswer) || errno_value > 4095)
    return std::nullopt;
  error.code = static_cast<Errc>(code);
  error.errno_value = static_cast<int>(errno_value);
  return error;
}

std::optional<ControlMessage> decode_finding(const json::object& in) {
  std::uint64_t severity = 0;
  Decoder decoder{in};
  decoder("severity", severity);
  std::optional<Finding> finding = decode<Finding>(in);
  if (!decoder.ok || !finding || severity > static_cast<unsigned>(Severity::kRepaired)) return std::nullopt;
  finding->severity = static_cast<Severity>(severity);
  return finding;
}

std::optional<ControlMessage> decode_message(std::string_view kind, const json::object& in) {
  if (kind == "error") return decode_error(in);
  if (kind == "finding") return decode_finding(in);
  if (kind == "status") return decode<MountStatus>(in);
  if (kind != "progress" && kind != "checked") return std::nullopt;
  const auto counts = decode<CheckCounts>(in);
  if (!counts) return std::nullopt;
  if (kind == "progress") return CheckProgress{*counts};
  return CheckDone{*counts};
}

}  // namespace

ControlRequest parse_control_request(const std::string& line) {
  const auto object = parse_object(line);
  const json::value* request = object ? object->if_contains("request") : nullptr;
  if (request == nullptr || !request->is_string()) return ControlRequest::kUnknown;
  if (request->get_string() == "status") return ControlRequest::kStatus;
  if (request->get_string() == "check") return ControlRequest::kCheck;
  return ControlRequest::kUnknown;
}

std::string encode_control_message(const ControlMessage& message) {
  return json::serialize(std::visit(EncodeMessage{}, message));
}

Result<ControlMessage> decode_control_message(const std::string& line) {
  const auto object = parse_object(line);
  if (object && object->size() == 1 && object->begin()->value().is_object()) {
    auto message = decode_message(object->begin()->key(), object->begin()->value().get_object());
    if (message) return *std::move(message);
  }
  return make_error(Errc::kDamaged,
                    "the mount answered what this program does not know; use the same version of "
                    "Enfold for both");
}

}  // namespace enfold
