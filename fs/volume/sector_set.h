// A set of sector indices as intervals: which holes made in this session are still unfilled.
#pragma once

#include <cstdint>
#include <map>

namespace enfold {

// Not thread-safe. Ranges are first..end, without end; empty ones change nothing.
class SectorSet {
 public:
  void add(std::uint64_t first, std::uint64_t end);
  void remove(std::uint64_t first, std::uint64_t end);

  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] std::size_t intervals() const { return ends_.size(); }
  // One past the highest index; 0 when empty.
  [[nodiscard]] std::uint64_t end() const { return ends_.empty() ? 0 : ends_.rbegin()->second; }
  void clear() { ends_.clear(); }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  // by first; disjoint and not adjacent
};

}  // namespace enfold
