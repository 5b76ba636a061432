#include "tests/conformance/sparse_bytes.h"

#include <algorithm>

namespace enfold {

std::string SparseBytes::read(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= size_) return {};
  length = std::min(length, size_ - offset);
  std::string out(length, '\0');
  for (auto it = sectors_.lower_bound(offset / kSector); it != sectors_.end(); ++it) {
    const std::uint64_t begin = std::max(it->first * kSector, offset);
    const std::uint64_t end = std::min((it->first + 1) * kSector, offset + length);
    if (begin >= end) break;
    out.replace(begin - offset, end - begin, it->second, begin % kSector, end - begin);
  }
  return out;
}

void SparseBytes::write(std::uint64_t offset, std::string_view data) {
  size_ = std::max(size_, offset + data.size());
  while (!data.empty()) {
    const std::uint64_t within = offset % kSector;
    const std::size_t count = std::min<std::uint64_t>(kSector - within, data.size());
    std::string& sector = sectors_[offset / kSector];
    sector.resize(kSector);
    sector.replace(within, count, data.substr(0, count));
    offset += count;
    data.remove_prefix(count);
  }
}

void SparseBytes::resize(std::uint64_t size) {
  if (size < size_) {
    sectors_.erase(sectors_.lower_bound((size + kSector - 1) / kSector), sectors_.end());
    const auto last = sectors_.find(size / kSector);
    if (last != sectors_.end())
      std::fill(last->second.begin() + static_cast<std::ptrdiff_t>(size % kSector), last->second.end(), '\0');
  }
  size_ = size;
}

void SparseBytes::punch(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = std::min(offset + length, size_);
  if (offset >= end) return;
  for (auto it = sectors_.lower_bound(offset / kSector); it != sectors_.end();) {
    const std::uint64_t base = it->first * kSector;
    if (base >= end) break;
    const std::uint64_t from = std::max(base, offset);
    const std::uint64_t to = std::min(base + kSector, end);
    // At the end of the file nothing of the sector is left either.
    if (from == base && (to == base + kSector || to == size_)) {
      it = sectors_.erase(it);
      continue;
    }
    it->second.replace(from - base, to - from, to - from, '\0');
    ++it;
  }
}

std::uint64_t SparseBytes::next_data(std::uint64_t offset) const {
  const auto it = sectors_.lower_bound(offset / kSector);
  return it == sectors_.end() ? size_ : std::max(offset, it->first * kSector);
}

std::uint64_t SparseBytes::next_hole(std::uint64_t offset) const {
  std::uint64_t index = offset / kSector;
  while (sectors_.contains(index)) ++index;
  return std::min(size_, std::max(offset, index * kSector));
}

}  // namespace enfold
