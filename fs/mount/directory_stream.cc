#include "fs/mount/directory_stream.h"

#include <algorithm>
#include <functional>

namespace enfold {
namespace {

// Lower names are ciphertext, so nobody who names files through the mount can aim for two equal positions.
// They must fit a positive off_t.
std::uint64_t position_of(const DirectoryEntry& entry) {
  return (std::hash<std::string>{}(entry.lower_name) >> 2) + DirectoryStream::kFirstPosition;
}

}  // namespace

Result<std::span<const DirectoryStream::Item>> DirectoryStream::after(std::uint64_t position) {
  if (position == 0 || !listed_) ENFOLD_TRY(list(listed_));
  auto first = std::ranges::upper_bound(items_, position, {}, &Item::position);
  return std::span<const Item>(first, items_.end());
}

Result<void> DirectoryStream::list(bool rewind) {
  items_.clear();
  listed_ = false;
  ENFOLD_TRY_ASSIGN(const std::vector<DirectoryEntry>* entries, handle_->entries(rewind));
  items_.reserve(entries->size());
  for (const DirectoryEntry& entry : *entries) items_.push_back({position_of(entry), &entry});
  std::ranges::sort(items_, {}, &Item::position);
  listed_ = true;
  return {};
}

}  // namespace enfold
