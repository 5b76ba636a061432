// Reads and verifies everything in an open volume: every marker, name, sidecar, header, sector, special
// object and xattr; and names what is in the lower tree that is not ours. Writes nothing unless it is asked
// to repair, and runs beside a mount's own work through the same tree.
#pragma once

#include <cstdint>
#include <string>

#include "fs/volume/finding.h"
#include "fs/volume/open_volume.h"

namespace enfold {

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
