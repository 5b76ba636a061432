#include "tools/rekey_progress.h"

namespace enfold {
namespace {

std::string whole(double value) { return std::to_string(static_cast<std::uint64_t>(value)); }

}  // namespace

void RekeyProgressText::hear(const RekeyCounts& counts, double seconds) {
  if (counts.pass != began_.pass) {
    began_ = counts;
    began_seconds_ = seconds;
  }
  now_ = counts;
}

std::string RekeyProgressText::text(double seconds) const {
  std::string out = "pass " + std::to_string(now_.pass) + ": " + std::to_string(now_.names) + " of " +
                    std::to_string(now_.total) + " files";
  const double elapsed = seconds - began_seconds_;
  const auto done = static_cast<double>(now_.names - began_.names);
  if (elapsed >= 1 && done > 0) {
    const std::uint64_t rest = now_.total > now_.names ? now_.total - now_.names : 0;
    const double rate = done / elapsed;
    out += ", " + whole(rate) + " files/s, about " + whole(static_cast<double>(rest) / rate) + " s left";
  }
  return out + "; re-wrapped " + std::to_string(now_.rewrapped) + ", new data keys " +
         std::to_string(now_.renewed) + " (" + std::to_string(now_.renewed_bytes >> 20U) + " MiB)";
}

}  // namespace enfold
