#include "tools/rekey_report.h"

namespace enfold {
namespace {

std::string or_unknown(const std::string& material) { return material.empty() ? "unknown" : material; }

std::string of_files(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " file" : " files");
}

std::vector<Fields> fields_of_uses(const RekeyReport& report) {
  std::vector<Fields> out;
  for (const auto& [use, files] : report.files)
    out.push_back({{"key", use.key_arn}, {"material", use.material_id}, {"files", files}, {"config", false}});
  for (const KeyUse& use : report.config)
    out.push_back(
        {{"key", use.key_arn}, {"material", use.material_id}, {"files", std::uint64_t{0}}, {"config", true}});
  return out;
}

std::vector<std::string> arns_of(const std::vector<KeyHome>& keys) {
  std::vector<std::string> out;
  out.reserve(keys.size());
  for (const KeyHome& key : keys) out.push_back(key.key_arn);
  return out;
}

Fields json_fields(const RekeyAnswer& answer, const RekeyReport& report) {
  Fields out{{"volume", answer.volume},       {"kms", report.key.kms_url},
             {"key", report.key.key_arn},     {"material", report.material_id},
             {"key_state", report.key_state}, {"files", report.counts.files}};
  if (answer.mode == RekeyMode::kRun) {
    out.push_back({"passes", report.counts.pass});
    out.push_back({"rewrapped", report.counts.rewrapped});
    out.push_back({"renewed", report.counts.renewed});
    out.push_back({"renewed_bytes", report.counts.renewed_bytes});
  }
  out.push_back({"left", report.left});
  out.push_back({"unverified", report.counts.unverified});
  out.push_back({"complete", report.is_complete});
  out.push_back({"keys", fields_of_uses(report)});
  out.push_back({"may_be_disabled", arns_of(report.unused_keys)});
  out.push_back({"milliseconds", static_cast<std::uint64_t>(answer.seconds * 1000)});
  out.push_back({"findings", answer.findings});
  return out;
}

void print_uses(const RekeyReport& report) {
  for (const auto& [use, files] : report.files)
    print_line(of_files(files) + " under " + use.key_arn + ", material " + or_unknown(use.material_id),
               false);
  for (const KeyUse& use : report.config)
    print_line("the volume secret under " + use.key_arn + ", material " + or_unknown(use.material_id), false);
}

void print_what_was_done(const RekeyAnswer& answer, const RekeyReport& report) {
  const auto rate = static_cast<std::uint64_t>(
      static_cast<double>(report.counts.rewrapped + report.counts.renewed) / std::max(answer.seconds, 0.001));
  print_line(of_files(report.counts.rewrapped) + " re-wrapped, " + std::to_string(report.counts.renewed) +
                 " with new data keys, in " + std::to_string(report.counts.pass) +
                 (report.counts.pass == 1 ? " pass over " : " passes over ") + of_files(report.counts.files) +
                 ", " + std::to_string(rate) + " a second",
             false);
}

void print_conclusion(const RekeyAnswer& answer, const RekeyReport& report) {
  const std::string wanted = report.key.key_arn + ", material " + or_unknown(report.material_id);
  if (report.is_complete) {
    print_line("Nothing is left: all is under " + wanted + ".", false);
  } else {
    print_line(of_files(report.left) + " left: not under " + wanted + ".", false);
    print_line("Every file opens as before. To go on: enfold rekey " + answer.lower, false);
  }
  for (const KeyHome& key : report.unused_keys)
    print_line("No longer used here, and may be disabled: " + key.key_arn + " (in " + key.kms_url + ").",
               false);
  if (report.is_complete && !report.unused_keys.empty())
    print_line("Copies and backups of the volume from before keep what they were wrapped by.", false);
  if (report.counts.unverified > 0)
    print_line("No key is called unused while " + of_files(report.counts.unverified) + " cannot be verified.",
               false);
}

}  // namespace

void print_rekey(const RekeyAnswer& answer, const RekeyReport& report, bool json) {
  if (json) return print(json_fields(answer, report), true);
  if (answer.mode == RekeyMode::kRun)
    print_what_was_done(answer, report);
  else
    print_uses(report);
  print_conclusion(answer, report);
}

}  // namespace enfold
