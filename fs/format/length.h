// Plain length <-> lower size (FORMAT.md, "Length"). Arithmetic only: stat() opens no file.
#pragma once

#include <cstdint>
#include <optional>

namespace enfold {

inline constexpr std::uint64_t kPageBytes = 4096;         // a header page, or a lower sector
inline constexpr std::uint64_t kSectorPlainBytes = 4064;  // plaintext in a full sector
// The longest plain file: its lower size still fits off_t.
inline constexpr std::uint64_t kMaxPlainLength = (std::uint64_t{1} << 62);

constexpr std::uint64_t sectors_of(std::uint64_t plain_length) {
  return (plain_length + kSectorPlainBytes - 1) / kSectorPlainBytes;
}

constexpr std::uint64_t lower_size_of(std::uint64_t plain_length) {
  return kPageBytes * (1 + sectors_of(plain_length)) + plain_length % kSectorPlainBytes;
}

// Lower offset of a sector's page.
constexpr std::uint64_t sector_offset(std::uint64_t sector_index) { return kPageBytes * (1 + sector_index); }

// Plaintext bytes in the sector of a file of that length; 0 past the end.
constexpr std::uint64_t sector_plain_bytes(std::uint64_t plain_length, std::uint64_t sector_index) {
  const std::uint64_t start = sector_index * kSectorPlainBytes;
  if (start >= plain_length) return 0;
  const std::uint64_t rest = plain_length - start;
  return rest < kSectorPlainBytes ? rest : kSectorPlainBytes;
}

// Nothing where no regular file has that size: shorter than a header, a tail without sectors, a remainder
// that marks a special object.
constexpr std::optional<std::uint64_t> plain_length_of(std::uint64_t lower_size) {
  if (lower_size < kPageBytes) return std::nullopt;
  const std::uint64_t pages = lower_size / kPageBytes - 1;
  const std::uint64_t tail = lower_size % kPageBytes;
  if (tail >= kSectorPlainBytes) return std::nullopt;
  if (tail == 0) return pages * kSectorPlainBytes;
  if (pages == 0) return std::nullopt;
  return (pages - 1) * kSectorPlainBytes + tail;
}

}  // namespace enfold
