#include "fs/volume/held_keys.h"

namespace enfold {
namespace {

constexpr std::int64_t kRefusalHoldsNs = 1'000'000'000;

}  // namespace

HeldKeys::HeldKeys(VolumeContext& context, ConstPrefixSpan prefix, const FileId& file, Envelope envelope,
                   std::shared_ptr<FileKeys> keys)
    : context_(context), prefix_{}, file_(file), envelope_(std::move(envelope)), keys_(std::move(keys)) {
  std::ranges::copy(prefix, prefix_.begin());
}

Result<std::shared_ptr<FileKeys>> HeldKeys::current() {
  if (auto keys = unexpired(context_.clock.monotonic_ns())) return keys;
  std::lock_guard asking(asking_mutex_);
  const std::int64_t now_ns = context_.clock.monotonic_ns();
  if (auto keys = unexpired(now_ns)) return keys;
  if (refused_ && now_ns - refused_at_ns_ < kRefusalHoldsNs) return std::unexpected(*refused_);
  auto answer = context_.file_keys.unwrap(prefix_, file_, envelope_);
  if (!answer) {
    refused_ = answer.error();
    refused_at_ns_ = context_.clock.monotonic_ns();
    return answer;
  }
  refused_.reset();
  std::lock_guard lock(mutex_);
  keys_ = *answer;
  return answer;
}

std::shared_ptr<FileKeys> HeldKeys::unexpired(std::int64_t now_ns) {
  std::lock_guard lock(mutex_);
  return now_ns < keys_->good_until_ns() ? keys_ : nullptr;
}

}  // namespace enfold
