// An open directory as the kernel reads it: entries in an order with positions that stay true.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fs/volume/volume.h"

namespace enfold {

// The position of an entry comes from its name alone, and entries are given out by rising position. So a
// position that was handed out for one listing is right in another: the kernel may serve the start of a
// directory from its cache and ask a handle that never listed anything for the rest, in a directory that was
// changed in between, and neither loses nor repeats an entry. Calls come one at a time (the kernel holds the
// file's position lock).
class DirectoryStream {
 public:
  explicit DirectoryStream(std::unique_ptr<DirectoryHandle> handle) : handle_(std::move(handle)) {}

  struct Item {
    std::uint64_t position;  // at least kFirstPosition
    const DirectoryEntry* entry;
  };
  static constexpr std::uint64_t kSelfPosition = 1;
  static constexpr std::uint64_t kParentPosition = 2;
  static constexpr std::uint64_t kFirstPosition = 3;

  // The entries whose position is greater, valid until the next call. Position 0 lists anew.
  Result<std::span<const Item>> after(std::uint64_t position);

  DirectoryHandle& handle() { return *handle_; }

 private:
  Result<void> list(bool rewind);

  std::unique_ptr<DirectoryHandle> handle_;
  std::vector<Item> items_;
  bool listed_ = false;
};

}  // namespace enfold
