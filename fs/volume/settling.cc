#include "fs/volume/settling.h"

namespace enfold {
namespace {

constexpr std::uint64_t kPagesAtOnce = 64;

std::uint64_t pages_below(std::uint64_t lower_size) {
  return lower_size < kPageBytes ? 0 : lower_size / kPageBytes - 1;
}

// Goes over the sectors of a file from the one that holds the end of its durable length.
class Walk {
 public:
  Walk(const CrashedFile& file, SectorCoder& coder, std::uint64_t durable)
      : file_(file),
        coder_(coder),
        durable_(durable),
        pages_(pages_below(file.lower_size)),
        length_(durable) {}

  Result<std::uint64_t> run() {
    Bytes block(kPagesAtOnce * kPageBytes);
    for (std::uint64_t first = durable_ / kSectorPlainBytes; first < pages_; first += kPagesAtOnce) {
      const std::uint64_t count = std::min(kPagesAtOnce, pages_ - first);
      const MutableByteSpan pages = MutableByteSpan(block).first(count * kPageBytes);
      ENFOLD_TRY_ASSIGN(const std::size_t size,
                        read_full(file_.context.files, file_.fd, pages, sector_offset(first)));
      for (std::uint64_t at = 0; at < size / kPageBytes; ++at)
        if (!take(first + at, page_at(ByteSpan(pages), at))) return length_;
      if (size < pages.size()) break;
    }
    return length_;
  }

 private:
  // Whether the file may go on behind this sector.
  bool take(std::uint64_t index, ConstSectorPage page) {
    if (is_hole(page) && index < file_.record.hole_end) return take_hole(index);
    const std::uint16_t plain_bytes = sector_length(page);
    const std::uint64_t end = index * kSectorPlainBytes + plain_bytes;
    if (end >= durable_ && verifies(index, page, plain_bytes)) {
      length_ = end;
      return plain_bytes == kSectorPlainBytes;
    }
    return index * kSectorPlainBytes < durable_;  // it is damaged, and what is behind it may be whole
  }

  // A hole has no length of its own: it is full, but for the last one of a size that says otherwise.
  bool take_hole(std::uint64_t index) {
    const auto by_size = plain_length_of(file_.lower_size);
    const bool ends_here = by_size && sectors_of(*by_size) == index + 1;
    length_ = std::max(durable_, ends_here ? *by_size : (index + 1) * kSectorPlainBytes);
    return true;
  }

  bool verifies(std::uint64_t index, ConstSectorPage page, std::uint16_t plain_bytes) {
    PlainSector plain;
    return plain_bytes >= 1 && plain_bytes <= kSectorPlainBytes &&
           coder_.open(index, page, plain_bytes, 0, plain.bytes);
  }

  const CrashedFile& file_;
  SectorCoder& coder_;
  std::uint64_t durable_;
  std::uint64_t pages_;
  std::uint64_t length_;
};

}  // namespace

std::uint64_t durable_length(const StateRecord& record, const Epochs& epochs) {
  return epochs.is_durable(record.epoch) ? record.sealed_length : record.base_length;
}

Result<bool> tail_is_zero(Files& files, int fd, std::uint64_t length) {
  Bytes tail(length % kSectorPlainBytes);
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(files, fd, tail, sector_offset(sectors_of(length))));
  return size == tail.size() && all_zero(tail);
}

Result<bool> looks_settled(VolumeContext& context, int fd, const StatX& lower, const StateRecord& record) {
  const std::uint64_t length = record.sealed_length;
  if (!context.epochs.is_durable(record.epoch) || lower.stx_size != lower_size_of(length)) return false;
  if (length == 0) return true;
  const std::uint64_t last = sectors_of(length) - 1;
  Bytes end(kPageBytes + length % kSectorPlainBytes);  // the last sector, and the tail behind it
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(context.files, fd, end, sector_offset(last)));
  if (size < end.size() || !all_zero(ByteSpan(end).subspan(kPageBytes))) return false;
  const ConstSectorPage page = page_at(ByteSpan(end), 0);
  return is_hole(page) ? last < record.hole_end : sector_length(page) == sector_plain_bytes(length, last);
}

Result<std::uint64_t> find_length(const CrashedFile& file, SectorCoder& coder) {
  const std::uint64_t durable = durable_length(file.record, file.context.epochs);
  if (file.lower_size < kPageBytes || pages_below(file.lower_size) < sectors_of(durable))
    return make_error(Errc::kDamaged, "the lower file has " + std::to_string(file.lower_size) +
                                          " bytes, and " + std::to_string(durable) +
                                          " plain bytes are known to have been durable");
  return Walk(file, coder, durable).run();
}

}  // namespace enfold
