#include "fs/volume/held_keys.h"

namespace enfold {
namespace {

constexpr std::int64_t kRefusalHoldsNs = 1'000'000'000;

}  // namespace

WrappedKeys WrappedKeys::of(const HeaderPage& page, const Header& header) {
  WrappedKeys out;
  out.file = header.prefix.file;
  std::ranges::copy(prefix_of(page), out.current.prefix.begin());
  out.current.envelope = header.envelope;
  out.parity = header.state.parity;
  if (header.former && header.state.former)
    out.former = WrappedKey{former_prefix(prefix_of(page), *header.state.former), *header.former};
  return out;
}

Result<ContentKeys> unwrap_keys(KeyCache& cache, const WrappedKeys& wrapped) {
  ContentKeys out;
  out.parity = wrapped.parity;
  ENFOLD_TRY_ASSIGN(out.current,
                    cache.unwrap(wrapped.current.prefix, wrapped.file, wrapped.current.envelope));
  if (wrapped.former) {
    ENFOLD_TRY_ASSIGN(out.former,
                      cache.unwrap(wrapped.former->prefix, wrapped.file, wrapped.former->envelope));
  }
  return out;
}

HeldKeys::HeldKeys(VolumeContext& context, WrappedKeys wrapped, ContentKeys keys)
    : context_(context),
      wrapped_(std::move(wrapped)),
      keys_(std::make_shared<const ContentKeys>(std::move(keys))) {}

Result<HeldKeys::Shared> HeldKeys::current() {
  if (auto keys = unexpired(context_.clock.monotonic_ns())) return keys;
  std::lock_guard asking(asking_mutex_);
  for (;;) {
    const std::int64_t now_ns = context_.clock.monotonic_ns();
    if (auto keys = unexpired(now_ns)) return keys;
    if (refused_ && now_ns - refused_at_ns_ < kRefusalHoldsNs) return std::unexpected(*refused_);
    const WrappedKeys asked = wrapped();
    auto answer = unwrap_keys(context_.file_keys, asked);
    if (!answer) {
      refused_ = answer.error();
      refused_at_ns_ = context_.clock.monotonic_ns();
      return std::unexpected(std::move(answer).error());
    }
    refused_.reset();
    auto keys = std::make_shared<const ContentKeys>(std::move(*answer));
    if (keep(asked, keys)) return keys;
  }
}

// False where the file has got other data keys while these were asked for.
bool HeldKeys::keep(const WrappedKeys& asked, const Shared& keys) {
  std::lock_guard lock(mutex_);
  if (asked != wrapped_) return false;
  keys_ = keys;
  return true;
}

HeldKeys::Shared HeldKeys::unexpired(std::int64_t now_ns) {
  auto keys = held();
  return now_ns < keys->good_until_ns() ? keys : nullptr;
}

HeldKeys::Shared HeldKeys::held() {
  std::lock_guard lock(mutex_);
  return keys_;
}

bool HeldKeys::are_held(const Shared& keys) { return held() == keys; }

WrappedKeys HeldKeys::wrapped() {
  std::lock_guard lock(mutex_);
  return wrapped_;
}

void HeldKeys::replace(WrappedKeys wrapped, ContentKeys keys) {
  auto shared = std::make_shared<const ContentKeys>(std::move(keys));
  std::lock_guard lock(mutex_);
  wrapped_ = std::move(wrapped);
  keys_ = std::move(shared);
}

}  // namespace enfold
