// What the tools and a mount say to each other over the control socket: one JSON object a line.
//   {"request":"status"}   {"status":{...}}
//   {"request":"check"}    {"finding":{...}} and {"progress":{...}} as it goes, {"checked":{...}} at the end
//   {"request":"rekey",...}  {"finding":{...}} and {"rekeying":{...}} as it goes, {"rekeyed":{...}} at the
//   end
// and {"error":{"code":...,"message":...}} as the last line of what failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "fs/volume/check.h"
#include "fs/volume/rekey.h"

namespace enfold {

struct MountStatus {
  std::string volume;
  std::string lower;
  std::string mountpoint;
  std::uint64_t pid = 0;
  std::string kms_url;
  std::string key_arn;
  std::string key_state;     // as the KMS names it, or why it cannot be told
  std::string key_material;  // of the current material, where the KMS says
  std::uint64_t mount_number = 0;
  bool read_only = false;
  bool recovering = false;  // from a crash of an earlier mount
  bool rekeying = false;    // `enfold rekey` began, and has not finished
};

inline constexpr const char* kStatusRequest = R"({"request":"status"})";
inline constexpr const char* kCheckRequest = R"({"request":"check"})";

enum class ControlRequest : std::uint8_t { kUnknown, kStatus, kCheck, kRekey };
ControlRequest parse_control_request(const std::string& line);

struct RekeyAsk {
  RekeyRequest request;
  // Of a key store that the mount has not open yet. In clear on the socket, which is this user's alone.
  std::optional<std::string> passphrase{};
};
std::string encode_rekey_ask(const RekeyAsk& ask);
std::optional<RekeyAsk> decode_rekey_ask(const std::string& line);

struct CheckProgress {
  CheckCounts counts;
};
struct CheckDone {
  CheckCounts counts;
};

struct RekeyProgress {
  RekeyCounts counts;
};

// A line of an answer; an Error is the other end's.
using ControlMessage =
    std::variant<Error, MountStatus, Finding, CheckProgress, CheckDone, RekeyProgress, RekeyReport>;
std::string encode_control_message(const ControlMessage& message);
// kDamaged where it is none of these.
Result<ControlMessage> decode_control_message(const std::string& line);

}  // namespace enfold
