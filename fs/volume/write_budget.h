// Counts what is sealed under each content key, so that none seals more than kMaxSectorWrites sectors
// (FORMAT.md, "Nonces"). Writes are reserved in the state record ahead of their use, so that a count that was
// never sealed is not taken for a smaller one.
#pragma once

#include <cstdint>

#include "fs/format/header.h"

namespace enfold {

// A value: FileState works on a copy until the record that it needs is written.
class WriteBudget {
 public:
  // So many writes further than needed are reserved at a time: one more record for every 4 GiB.
  static constexpr std::uint64_t kReserveAhead = std::uint64_t{1} << 20;

  WriteBudget(std::uint8_t key_epoch, std::uint64_t used, std::uint64_t reserved)
      : key_epoch_(key_epoch), used_(used), reserved_(reserved) {}

  // Counts `sectors` writes (at most 2^32) under key_epoch(), which moves on where the present key cannot
  // take them all. kLimit after the last epoch.
  Result<void> take(std::uint64_t sectors);

  // Nothing is reserved beyond what was used: what a clean record says.
  void settle() { reserved_ = used_; }

  [[nodiscard]] std::uint8_t key_epoch() const { return key_epoch_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }
  [[nodiscard]] std::uint64_t reserved() const { return reserved_; }

 private:
  std::uint8_t key_epoch_;
  std::uint64_t used_;
  std::uint64_t reserved_;
};

}  // namespace enfold
