#include "fs/volume/write_budget.h"

#include <algorithm>
#include <limits>

namespace enfold {

Result<void> WriteBudget::take(std::uint64_t sectors) {
  if (sectors > kMaxSectorWrites - used_) {
    if (key_epoch_ == std::numeric_limits<std::uint8_t>::max())
      return make_error(Errc::kLimit,
                        "all 256 content keys of the file have sealed as much as they may; "
                        "`enfold rekey --new-data-keys` gives it new ones");
    ++key_epoch_;
    used_ = 0;
    reserved_ = 0;
  }
  used_ += sectors;
  if (used_ > reserved_) reserved_ = std::min(kMaxSectorWrites, used_ + kReserveAhead);
  return {};
}

}  // namespace enfold
