#include "fs/volume/check_content.h"

#include <unistd.h>

#include <cerrno>

#include "fs/format/length.h"
#include "fs/volume/file_body.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

constexpr std::uint64_t kBlockSectors = 256;

class ContentCheck {
 public:
  ContentCheck(FileHandle& handle, const std::function<bool(std::uint64_t)>& advance)
      : handle_(handle), advance_(advance), buffer_(kBlockSectors * kSectorPlainBytes) {}

  // The sector in which data goes on; nothing where no more comes. Holes say nothing, and reading those of a
  // long file would take days.
  std::optional<std::uint64_t> data_from(std::uint64_t first_sector, ContentVerdict& verdict) {
    const std::uint64_t from = first_sector * kSectorPlainBytes;
    const auto data = handle_.seek(from, SEEK_DATA);
    const bool is_over = !data && has_errno(data.error(), ENXIO);
    const std::uint64_t to = data ? *data : is_over ? handle_.body().length() : from;
    if (to > from) verdict.stopped = !advance_(to - from);
    if (is_over || verdict.stopped) return std::nullopt;
    return to / kSectorPlainBytes;
  }

  // Whether more comes after the block. A block that fails is read sector by sector,
  // so that all its damage is counted and what follows is read too.
  bool block(std::uint64_t first_sector, ContentVerdict& verdict) {
    auto got = handle_.read(first_sector * kSectorPlainBytes, buffer_);
    if (got) {
      verdict.stopped = !advance_(*got);
      return *got == buffer_.size();
    }
    for (std::uint64_t i = 0; i < kBlockSectors; ++i)
      if (!sector(first_sector + i, verdict)) return false;
    return true;
  }

 private:
  bool sector(std::uint64_t index, ContentVerdict& verdict) {
    const std::uint64_t offset = index * kSectorPlainBytes;
    if (offset >= handle_.body().length()) return false;
    auto got = handle_.read(offset, MutableByteSpan(buffer_).first(kSectorPlainBytes));
    if (got) {
      verdict.stopped = !advance_(*got);
      return *got == kSectorPlainBytes && !verdict.stopped;
    }
    const Errc code = got.error().code;
    if (verdict.unreadable_sectors++ == 0) {
      verdict.error = std::move(got).error();
      verdict.first_sector = index;
    }
    // A key that the KMS refuses fails every sector alike.
    return code == Errc::kDamaged || code == Errc::kSystem;
  }

  FileHandle& handle_;
  const std::function<bool(std::uint64_t)>& advance_;
  Bytes buffer_;
};

}  // namespace

ContentVerdict check_content(Volume& tree, InodeNumber inode,
                             const std::function<bool(std::uint64_t)>& advance) {
  ContentVerdict verdict;
  auto handle = tree.open_file(inode, O_RDONLY);
  if (!handle) {
    verdict.error = std::move(handle).error();
    return verdict;
  }
  ContentCheck check(**handle, advance);
  auto at = check.data_from(0, verdict);
  while (at && check.block(*at, verdict) && !verdict.stopped)
    at = check.data_from(*at + kBlockSectors, verdict);
  if (!verdict.error && !verdict.stopped)
    if (auto tail = (*handle)->body().verify_tail(); !tail) verdict.error = std::move(tail).error();
  if (auto released = (*handle)->release(); !released && !verdict.error)
    verdict.error = std::move(released).error();
  return verdict;
}

}  // namespace enfold
