// Reads and verifies everything in an open volume: every marker, name, sidecar, header, sector, special
// object and xattr; and names what is in the lower tree that is not ours. Writes nothing unless it is asked
// to repair, and runs beside a mount's own work through the same tree.
#pragma once

#include <cstdint>
#include <string>

#include "fs/volume/open_volume.h"

namespace enfold {

enum class Severity : std::uint8_t {
  kDamage,    // does not verify: reading it gives an error
  kUnread,    // could not be verified: no permission, or the KMS refused
  kForeign,   // not made by Enfold: a planted file, a sync tool's conflict copy
  kLeftover,  // ours and harmless: a sidecar whose entry is gone, what recovery set aside
  kRepaired,  // was damage until this check
};
std::string_view name_of(Severity severity);

struct Finding {
  Severity severity;
  std::string plain_path;  // from the mount's root, "/a/b"; the directory's where the name itself is unknown
  std::string lower_path;  // from the lower directory, "x/y"
  std::string what;
};

struct CheckCounts {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t special_objects = 0;
  std::uint64_t content_bytes = 0;  // plain
  std::uint64_t findings = 0;
};

// Each answers whether to go on.
class CheckObserver {
 public:
  CheckObserver() = default;
  CheckObserver(const CheckObserver&) = delete;
  CheckObserver& operator=(const CheckObserver&) = delete;
  virtual ~CheckObserver() = default;
  virtual bool finding(const Finding& finding) = 0;
  virtual bool progress(const CheckCounts& counts) = 0;  // after each entry and each MiB
};

enum class CheckMode : std::uint8_t {
  kReport,
  kRepair,  // restores the markers of directories where what is in them tells how
};

// kBusy where the observer ended it. What is damaged is a finding, never an error.
Result<CheckCounts> check_volume(OpenVolume& volume, CheckObserver& observer,
                                 CheckMode mode = CheckMode::kReport);

}  // namespace enfold
