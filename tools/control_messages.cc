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
  visit("rekeying", status.rekeying);
}

template <class Counts, class Visit>
void visit_members(Counts& counts,
                   Visit visit) requires std::same_as<std::remove_const_t<Counts>, RekeyCounts> {
  visit("pass", counts.pass);
  visit("names", counts.names);
  visit("total", counts.total);
  visit("files", counts.files);
  visit("rewrapped", counts.rewrapped);
  visit("renewed", counts.renewed);
  visit("renewed_bytes", counts.renewed_bytes);
  visit("left", counts.left);
  visit("to_do", counts.to_do);
  visit("unverified", counts.unverified);
}

template <class Report, class Visit>
void visit_members(Report& report,
                   Visit visit) requires std::same_as<std::remove_const_t<Report>, RekeyReport> {
  visit("key", report.key.key_arn);
  visit("kms", report.key.kms_url);
  visit("material", report.material_id);
  visit("key_state", report.key_state);
  visit("left", report.left);
  visit("is_complete", report.is_complete);
}

template <class Use, class Visit>
void visit_members(Use& use, Visit visit) requires std::same_as<std::remove_const_t<Use>, KeyUse> {
  visit("key", use.key_arn);
  visit("material", use.material_id);
}

template <class Home, class Visit>
void visit_members(Home& home, Visit visit) requires std::same_as<std::remove_const_t<Home>, KeyHome> {
  visit("key", home.key_arn);
  visit("kms", home.kms_url);
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

template <class List>
json::array encode_all(const List& list) {
  json::array out;
  for (const auto& one : list) out.push_back(encode(one));
  return out;
}

template <class T>
bool decode_all(const json::object& in, const char* name, std::vector<T>& out) {
  const json::value* list = in.if_contains(name);
  if (list == nullptr || !list->is_array()) return false;
  for (const json::value& one : list->get_array()) {
    auto decoded = one.is_object() ? decode<T>(one.get_object()) : std::nullopt;
    if (!decoded) return false;
    out.push_back(*std::move(decoded));
  }
  return true;
}

json::object encode_report(const RekeyReport& report) {
  json::object out = encode(report);
  out["counts"] = encode(report.counts);
  json::array files;
  for (const auto& [use, count] : report.files) {
    json::object one = encode(use);
    one["files"] = count;
    files.push_back(std::move(one));
  }
  out["files"] = std::move(files);
  out["config"] = encode_all(report.config);
  out["unused_keys"] = encode_all(report.unused_keys);
  return out;
}

bool decode_files(const json::object& in, KeyUses& out) {
  std::vector<KeyUse> uses;
  if (!decode_all(in, "files", uses)) return false;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    Decoder decoder{in.at("files").get_array()[i].get_object()};
    decoder("files", out[uses[i]]);
    if (!decoder.ok) return false;
  }
  return true;
}

std::optional<RekeyReport> decode_report(const json::object& in) {
  auto report = decode<RekeyReport>(in);
  const json::value* counts = in.if_contains("counts");
  if (!report || counts == nullptr || !counts->is_object()) return std::nullopt;
  auto decoded = decode<RekeyCounts>(counts->get_object());
  if (!decoded || !decode_files(in, report->files) || !decode_all(in, "config", report->config) ||
      !decode_all(in, "unused_keys", report->unused_keys))
    return std::nullopt;
  report->counts = *decoded;
  return report;
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
  json::object operator()(const RekeyProgress& progress) const {
    return {{"rekeying", encode(progress.counts)}};
  }
  json::object operator()(const RekeyReport& report) const { return {{"rekeyed", encode_report(report)}}; }
};

std::optional<json::object> parse_object(const std::string& line) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 6;
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
  if (kind == "rekeyed") return decode_report(in);
  if (kind == "rekeying") {
    const auto counts = decode<RekeyCounts>(in);
    if (!counts) return std::nullopt;
    return RekeyProgress{*counts};
  }
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
  if (request->get_string() == "rekey") return ControlRequest::kRekey;
  return ControlRequest::kUnknown;
}

std::string encode_rekey_ask(const RekeyAsk& ask) {
  json::object out{{"request", "rekey"},
                   {"mode", static_cast<unsigned>(ask.request.mode)},
                   {"jobs", ask.request.jobs},
                   {"new_data_keys", ask.request.new_data_keys}};
  if (ask.request.to_kms) out["to_kms"] = printable(*ask.request.to_kms);
  if (ask.request.to_key) out["to_key"] = printable(*ask.request.to_key);
  if (ask.passphrase) out["passphrase"] = to_hex(as_bytes(*ask.passphrase));
  return json::serialize(out);
}

std::optional<RekeyAsk> decode_rekey_ask(const std::string& line) {
  constexpr std::uint64_t kMostJobs = 1024;
  const auto object = parse_object(line);
  if (!object) return std::nullopt;
  RekeyAsk out;
  std::uint64_t mode = 0;
  std::uint64_t jobs = 0;
  Decoder decoder{*object};
  decoder("mode", mode);
  decoder("jobs", jobs);
  decoder("new_data_keys", out.request.new_data_keys);
  if (!decoder.ok || mode > static_cast<unsigned>(RekeyMode::kRun) || jobs < 1 || jobs > kMostJobs)
    return std::nullopt;
  out.request.mode = static_cast<RekeyMode>(mode);
  out.request.jobs = static_cast<unsigned>(jobs);
  if (object->contains("to_kms")) decoder("to_kms", out.request.to_kms.emplace());
  if (object->contains("to_key")) decoder("to_key", out.request.to_key.emplace());
  if (object->contains("passphrase")) {
    std::string hex;
    decoder("passphrase", hex);
    Bytes bytes;
    if (!from_hex(hex, bytes)) return std::nullopt;
    out.passphrase = as_string(bytes);
  }
  return decoder.ok ? std::optional(std::move(out)) : std::nullopt;
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
