// What our own writes below take away or move, and must not show: modification time, set-id bits and
// capabilities of a lower file.
#pragma once

#include "kms/base/files.h"

namespace enfold {

// A value. Keep others from writing and from setting these between of() and put_back().
class KeptMetadata {
 public:
  static Result<KeptMetadata> of(Files& files, int fd);
  // The same where the times and the mode were looked at before.
  static Result<KeptMetadata> of(Files& files, int fd, const StatX& before);

  // Who may write a file but does not own it may set none of these: then they stay as the write left them.
  Result<void> put_back(Files& files, int fd) const;

 private:
  KeptMetadata(const StatX& before, Result<Bytes> capabilities)
      : before_(before), capabilities_(std::move(capabilities)) {}

  StatX before_;
  Result<Bytes> capabilities_;  // an error where there are none
};

// The modification time alone, to what it was in `before`. Who does not own the file or directory cannot:
// then it stays as it is.
Result<void> restore_modification_time(Files& files, int fd, const StatX& before);

}  // namespace enfold
