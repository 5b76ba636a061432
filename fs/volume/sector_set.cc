#include "fs/volume/sector_set.h"

#include <algorithm>
#include <iterator>

namespace enfold {

void SectorSet::add(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  auto next = ends_.upper_bound(first);
  if (next != ends_.begin() && std::prev(next)->second >= first) --next;
  while (next != ends_.end() && next->first <= end) {
    first = std::min(first, next->first);
    end = std::max(end, next->second);
    next = ends_.erase(next);
  }
  ends_.emplace_hint(next, first, end);
}

void SectorSet::remove(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  auto next = ends_.upper_bound(first);
  if (next != ends_.begin() && std::prev(next)->second > first) --next;
  while (next != ends_.end() && next->first < end) {
    const auto [old_first, old_end] = *next;
    next = ends_.erase(next);
    if (old_first < first) ends_.emplace(old_first, first);
    if (old_end > end) next = ends_.emplace_hint(next, end, old_end);
  }
}

}  // namespace enfold
