// The content of one file, for check: what does not verify, as a sentence. Not for use outside fs/volume.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "fs/volume/volume.h"

namespace enfold {

struct ContentVerdict {
  std::optional<Error> error;  // of opening the file, or of the first part that does not read
  std::uint64_t unreadable_sectors = 0;
  std::uint64_t first_sector = 0;
  bool stopped = false;  // `advance` answered false
};

// Reads all of the file but its holes; `advance` gets the number of plain bytes done and answers whether to
// go on.
ContentVerdict check_content(Volume& tree, InodeNumber inode,
                             const std::function<bool(std::uint64_t)>& advance);

}  // namespace enfold
