#include <ctime>

#include "fs/volume/file_body.h"

namespace enfold {
namespace {

constexpr std::int64_t kTouchEveryNs = std::int64_t{3600} * 1'000'000'000;
constexpr std::int64_t kDay_s = 86'400;

bool is_before(const statx_timestamp& one, const statx_timestamp& other) {
  return one.tv_sec != other.tv_sec ? one.tv_sec < other.tv_sec : one.tv_nsec < other.tv_nsec;
}

}  // namespace

// Whoever may not read the lower file by its mode, or where nothing is open any more: no harm is done.
bool FileBody::touch() {
  if (context_.access_times == AccessTimes::kNever) return false;
  const std::int64_t now_ns = context_.clock.monotonic_ns();
  const std::int64_t touched_at_ns = touched_at_ns_.load(std::memory_order_relaxed);
  if (touched_at_ns != 0 && now_ns - touched_at_ns < kTouchEveryNs) return false;
  touched_at_ns_.store(now_ns, std::memory_order_relaxed);
  if (context_.access_times == AccessTimes::kRelative && !has_old_access_time()) return false;
  const auto fd = context_.files.reopen(read_fd_.get(), O_RDONLY);
  std::array<std::uint8_t, 1> byte{};
  return fd && context_.files.read_at(fd->get(), byte, 0).has_value();
}

// By the rule of relatime: not later than the last change, or of yesterday.
bool FileBody::has_old_access_time() {
  const auto lower = context_.files.stat_at(read_fd_.get(), "");
  if (!lower || length() == 0) return false;
  const bool is_later =
      is_before(lower->stx_mtime, lower->stx_atime) && is_before(lower->stx_ctime, lower->stx_atime);
  return !is_later || lower->stx_atime.tv_sec + kDay_s < context_.clock.unix_ms() / 1000;
}

}  // namespace enfold
