// A keyed hash of a set of rows that does not depend on their order and changes in constant time when a row
// is added or removed: the sum, modulo 2^256, of HMAC-SHA256(key, row) over the rows (MSet-Add-Hash of
// Clarke, Devadas, van Dijk, Gassend and Suh, ASIACRYPT 2003). The sum is kept sealed, so that nobody without
// the key sees one value of it.
#pragma once

#include "kms/crypto/hkdf.h"

namespace enfold {

class MultisetHash {
 public:
  MultisetHash() = default;  // of no rows
  explicit MultisetHash(const Digest& value) : sum_(value) {}

  // `element` is the HMAC of a row.
  void add(const Digest& element);
  void remove(const Digest& element);

  [[nodiscard]] const Digest& value() const { return sum_; }
  friend bool operator==(const MultisetHash& a, const MultisetHash& b) {
    return equal_in_constant_time(a.sum_, b.sum_);
  }

 private:
  Digest sum_{};  // little-endian
};

}  // namespace enfold
