#include "fs/volume/check_content.h"

#include "fs/format/length.h"
#include "fs/volume/file_body.h"

namespace enfold {
namespace {

constexpr std::uint64_t kBlockSectors = 256;

class ContentCheck {
 public:
  ContentCheck(FileHandle& handle, const std::function<bool(std::uint64_t)>& advance)
      : handle_(handle), advance_(advance), buffer_(kBlockSectors * kSectorPlainBytes) {}

  // Bytes read in the block; nothing where the end was reached. A block that fails is read sector by sector,
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
  std::uint64_t at = 0;
  while (check.block(at, verdict) && !verdict.stopped) at += kBlockSectors;
  if (!verdict.error && !verdict.stopped)
    if (auto tail = (*handle)->body().verify_tail(); !tail) verdict.error = std::move(tail).error();
  if (auto released = (*handle)->release(); !released && !verdict.error)
    verdict.error = std::move(released).error();
  return verdict;
}

}  // namespace enfold
