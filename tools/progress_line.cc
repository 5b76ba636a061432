#include "tools/progress_line.h"

#include <unistd.h>

#include <iostream>

namespace enfold {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::int64_t interval_ns(bool is_terminal) { return (is_terminal ? 1 : 10) * kSecondNs; }

}  // namespace

ProgressLine::ProgressLine(Clock& clock)
    : clock_(clock),
      start_ns_(clock.monotonic_ns()),
      next_ns_(0),
      is_terminal_(::isatty(STDERR_FILENO) == 1) {
  next_ns_ = start_ns_ + interval_ns(is_terminal_);
}

bool ProgressLine::is_due() {
  const std::int64_t now = clock_.monotonic_ns();
  if (now < next_ns_) return false;
  next_ns_ = now + interval_ns(is_terminal_);
  return true;
}

void ProgressLine::show(const std::string& text) {
  std::cerr << (is_terminal_ ? "\r\x1b[K" : "") << text << (is_terminal_ ? "" : "\n") << std::flush;
  is_shown_ = is_terminal_;
}

void ProgressLine::clear() {
  if (is_shown_) std::cerr << "\r\x1b[K" << std::flush;
  is_shown_ = false;
}

double ProgressLine::seconds() const {
  return static_cast<double>(clock_.monotonic_ns() - start_ns_) / static_cast<double>(kSecondNs);
}

}  // namespace enfold
