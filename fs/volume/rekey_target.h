// What a volume is re-keyed to, and how far that is.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fs/format/header.h"
#include "fs/volume/finding.h"

namespace enfold {

struct RekeyTarget {
  std::string key_arn;
  std::string material_id;     // the key's current one; empty where the KMS does not name it: any will do
  bool new_data_keys = false;  // a data key must not be older than that material, either
  std::set<std::string>
      elsewhere{};  // keys of other KMSes: one that is gone concerns the files under it alone

  [[nodiscard]] bool is_met_by(const Envelope& envelope) const {
    if (envelope.recipients.size() != 1) return false;
    const Recipient& recipient = envelope.recipients.front();
    return recipient.key_arn == key_arn && (material_id.empty() || recipient.material_id == material_id);
  }
};

// Whether nothing is to be done for a file with this header. A generation above 1 says that its data key was
// only wrapped anew, and is older than its envelope.
[[nodiscard]] inline bool is_rekeyed(const Header& header, const RekeyTarget& target) {
  constexpr std::uint8_t kLastKeyEpoch = 255;
  const bool is_new_key = header.envelope.generation == 1 && header.state.key_epoch < kLastKeyEpoch;
  return header.has_spare_slot && !header.former && target.is_met_by(header.envelope) &&
         (!target.new_data_keys || is_new_key);
}

struct RekeyCounts {
  std::uint64_t pass = 0;
  std::uint64_t names = 0;      // looked at in this pass, of
  std::uint64_t total = 0;      // as counted before, special objects among them
  std::uint64_t files = 0;      // of this pass: names of regular files
  std::uint64_t rewrapped = 0;  // in all passes
  std::uint64_t renewed = 0;    // got a new data key, in all passes
  std::uint64_t renewed_bytes = 0;
  std::uint64_t left = 0;        // of this pass: cannot be re-keyed, each with a finding
  std::uint64_t to_do = 0;       // of this pass: still to be re-keyed, without a finding
  std::uint64_t unverified = 0;  // of this pass: how they are wrapped is not known
};

// How many files are wrapped by one material of one key.
struct KeyUse {
  std::string key_arn;
  std::string material_id;

  friend auto operator<=>(const KeyUse&, const KeyUse&) = default;
};
using KeyUses = std::map<KeyUse, std::uint64_t>;

// Called by one thread at a time. Each answers whether to go on.
class RekeyObserver {
 public:
  RekeyObserver() = default;
  RekeyObserver(const RekeyObserver&) = delete;
  RekeyObserver& operator=(const RekeyObserver&) = delete;
  virtual ~RekeyObserver() = default;
  virtual bool finding(const Finding& finding) = 0;
  virtual bool progress(const RekeyCounts& counts) = 0;  // after some hundred files, or a MiB of content
};

}  // namespace enfold
