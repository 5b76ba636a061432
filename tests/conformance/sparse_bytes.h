// The content of a file with its holes, as a filesystem of 4064-byte sectors keeps it: a sector that was
// never written, or punched out whole, is a hole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace enfold {

class SparseBytes {
 public:
  static constexpr std::uint64_t kSector = 4064;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t length) const;
  void write(std::uint64_t offset, std::string_view data);
  void resize(std::uint64_t size);
  // Zeros within the size: what was data only in part stays data.
  void punch(std::uint64_t offset, std::uint64_t length);
  // At or after the offset, below the size: the next byte of data (size() where there is none) and of a hole.
  [[nodiscard]] std::uint64_t next_data(std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t next_hole(std::uint64_t offset) const;

 private:
  std::map<std::uint64_t, std::string> sectors_;
  std::uint64_t size_ = 0;
};

}  // namespace enfold
