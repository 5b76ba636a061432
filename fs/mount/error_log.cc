#include "fs/mount/error_log.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::int64_t kLineCost_ns = 1'000'000'000;
constexpr std::int64_t kMaxAllowance_ns = 10 * kLineCost_ns;

bool worth_a_line(const Error& error) {
  switch (error.code) {
    case Errc::kSystem:
      return error.errno_value == EIO || error.errno_value == 0;
    case Errc::kDamaged:
    case Errc::kLimit:
    case Errc::kStoreMissing:
    case Errc::kStoreTampered:
    case Errc::kWrongRootKey:
      return true;
    default:
      return error.code >= Errc::kKmsValidation;
  }
}

}  // namespace

void ErrorLog::report(std::string_view operation, std::uint64_t inode, const Error& error) {
  std::uint64_t left_out = 0;
  if (!worth_a_line(error) || !may_write(left_out)) return;
  std::string line(operation);
  line += " of inode " + std::to_string(inode) + ": " + describe(error);
  if (left_out > 0) line += " (" + std::to_string(left_out) + " more errors were not logged)";
  log_error(line);
}

bool ErrorLog::may_write(std::uint64_t& left_out) {
  std::lock_guard lock(mutex_);
  std::int64_t now_ns = clock_.monotonic_ns();
  allowance_ns_ =
      started_ ? std::min(kMaxAllowance_ns, allowance_ns_ + (now_ns - last_ns_)) : kMaxAllowance_ns;
  started_ = true;
  last_ns_ = now_ns;
  if (allowance_ns_ < kLineCost_ns) {
    ++left_out_;
    return false;
  }
  allowance_ns_ -= kLineCost_ns;
  left_out = std::exchange(left_out_, 0);
  return true;
}

}  // namespace enfold
