#include "kms/store/row_locator.h"

namespace enfold {
namespace {

constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61U) - 1;
__extension__ using Wide = unsigned __int128;

std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return (a + b) % kPrime; }
std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return (a + kPrime - b) % kPrime; }
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(Wide{a} * Wide{b} % kPrime);
}

std::uint64_t tag_of(const Digest& element) { return ByteReader(element).u64() % kPrime; }

// FNV-1a: it need not withstand anybody, who could only have another row named.
std::uint64_t weight_of(const RowId& id) {
  constexpr std::uint64_t kFactor = 0x100000001b3;
  std::uint64_t hash = 0xcbf29ce484222325;
  hash = (hash ^ static_cast<std::uint64_t>(id.kind)) * kFactor;
  for (std::uint8_t byte : id.id) hash = (hash ^ byte) * kFactor;
  return hash % kPrime;
}

}  // namespace

RowLocator::RowLocator(std::uint64_t plain_sum, std::uint64_t weighted_sum)
    : plain_(plain_sum % kPrime), weighted_(weighted_sum % kPrime) {}

void RowLocator::add(const RowId& id, const Digest& element) {
  plain_ = plus(plain_, tag_of(element));
  weighted_ = plus(weighted_, times(weight_of(id), tag_of(element)));
}

void RowLocator::remove(const RowId& id, const Digest& element) {
  plain_ = minus(plain_, tag_of(element));
  weighted_ = minus(weighted_, times(weight_of(id), tag_of(element)));
}

bool RowLocator::differs_by(const RowId& id, const RowLocator& expected) const {
  const std::uint64_t plain = minus(expected.plain_, plain_);
  return plain != 0 && times(weight_of(id), plain) == minus(expected.weighted_, weighted_);
}

}  // namespace enfold
