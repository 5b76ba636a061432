// Which of the errors that applications get are worth a line in the log, and how many of them.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>

#include "kms/base/clock.h"
#include "kms/base/error.h"

namespace enfold {

// Thread-safe. Damage, the KMS and its store, and I/O errors below are logged; what any filesystem answers in
// its daily work (no such file, no space) is not. At most ten lines at once and one a second after that, with
// a count of those left out: a program that retries must not fill the disk.
class ErrorLog {
 public:
  explicit ErrorLog(Clock& clock) : clock_(clock) {}

  // `operation` as "read"; the line names the inode number, since a plain name has no place in a log.
  void report(std::string_view operation, std::uint64_t inode, const Error& error);

 private:
  bool may_write(std::uint64_t& left_out);

  Clock& clock_;
  std::mutex mutex_;
  std::int64_t allowance_ns_ = 0;
  std::int64_t last_ns_ = 0;
  bool started_ = false;
  std::uint64_t left_out_ = 0;
};

}  // namespace enfold
