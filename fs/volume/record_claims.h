// Which state records of one file a crash may leave on the device, and what they would claim to be durable
// there (FORMAT.md, "Crashes"). A cut must not go below any of it, and a hole not be made behind it.
#pragma once

#include <algorithm>

#include "fs/volume/epochs.h"

namespace enfold {

// A value. A record claims its base, and its length once its epoch has become durable.
class RecordClaims {
 public:
  // The record that was found is the last one; which older ones the device still has is not known.
  explicit RecordClaims(const StateRecord& found)
      : last_(found), max_length_(found.sealed_length), max_base_(found.base_length) {}

  // A file that is being made has no older record.
  static RecordClaims of_new_file(const StateRecord& first) {
    RecordClaims out(first);
    out.only_last();
    return out;
  }

  // One more may be on the device, whether or not writing it succeeded.
  void written(const StateRecord& record) {
    last_ = record;
    max_length_ = std::max(max_length_, record.sealed_length);
    max_base_ = std::max(max_base_, record.base_length);
    min_hole_end_ = std::min(min_hole_end_, record.hole_end);
  }
  // All older ones are gone: the last one was synced, or its epoch is durable.
  void only_last() {
    oldest_ = last_.epoch;
    max_length_ = last_.sealed_length;
    max_base_ = last_.base_length;
    min_hole_end_ = last_.hole_end;
  }

  // Whether each record claims no more than `length`, also when the present epoch has become durable: then
  // the last record counts, and it claims no more already.
  [[nodiscard]] bool allow(std::uint64_t length, const CrashEpoch& present) const {
    return max_base_ <= length && (max_length_ <= length || oldest_ == present);
  }
  // Whether each record takes the sectors below `end` for holes where they are zero.
  [[nodiscard]] bool allow_holes(std::uint64_t end) const { return end <= min_hole_end_; }

 private:
  StateRecord last_;
  CrashEpoch oldest_;  // never the present one where it is not known
  std::uint64_t max_length_;
  std::uint64_t max_base_;
  std::uint64_t min_hole_end_ = 0;
};

}  // namespace enfold
