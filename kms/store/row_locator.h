// Two checksums over all rows that say which one of them is not what it should be, where exactly one is not.
// They only help to name a row; that something is wrong at all is the multiset hash's to say.
//
// With t(row) a number from the row's element and w(id) one from its id, both modulo 2^61-1, the sums are
// S = sum of t and W = sum of w*t. Where one row has another t, the differences to the expected sums are
// dS and dW = w(id)*dS, and only that row's id fits.
#pragma once

#include "kms/crypto/hkdf.h"
#include "kms/store/row_id.h"

namespace enfold {

class RowLocator {
 public:
  RowLocator() = default;  // of no rows
  RowLocator(std::uint64_t plain_sum, std::uint64_t weighted_sum);

  // `element` is what the row adds to the multiset hash.
  void add(const RowId& id, const Digest& element);
  void remove(const RowId& id, const Digest& element);

  // Whether a change of this row alone makes the difference between these sums and the expected ones.
  [[nodiscard]] bool differs_by(const RowId& id, const RowLocator& expected) const;

  [[nodiscard]] std::uint64_t plain_sum() const { return plain_; }
  [[nodiscard]] std::uint64_t weighted_sum() const { return weighted_; }

 private:
  std::uint64_t plain_ = 0;
  std::uint64_t weighted_ = 0;
};

}  // namespace enfold
