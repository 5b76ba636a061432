// The content keys of one file: of its current data key, and of the former one while sectors may still be
// under it (FORMAT.md, "Between two data keys").
#pragma once

#include <memory>

#include "fs/format/sector.h"
#include "fs/volume/key_cache.h"

namespace enfold {

// A value; what it refers to is thread-safe.
struct ContentKeys {
  std::shared_ptr<FileKeys> current{};
  std::uint8_t parity = 0;             // of the current one
  std::shared_ptr<FileKeys> former{};  // null but between two data keys

  // Null where the file has no data key of that parity.
  [[nodiscard]] FileKeys* of(SectorKey key) const {
    return key.parity == parity ? current.get() : former.get();
  }
  // Past this (Clock::monotonic_ns) they must not be used.
  [[nodiscard]] std::int64_t good_until_ns() const {
    return former ? std::min(current->good_until_ns(), former->good_until_ns()) : current->good_until_ns();
  }
};

}  // namespace enfold
