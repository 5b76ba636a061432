#include "fs/volume/crash_state.h"

#include <algorithm>

namespace enfold {
namespace {

bool confirms(const Pin& pin, const ConfigState& config) {
  return pin.open && (pin.mount_number == config.mount_number ||
                      (pin.takes_over != 0 && pin.takes_over == config.mount_number));
}

std::string why_not(const std::optional<Pin>& pin) {
  if (!pin) return "this user has no pin that says so, too";
  if (!pin->open) return "this user's last mount here ended in order";
  return "it was not this user's last mount here";
}

}  // namespace

Result<CrashState> crash_state(const ConfigState& config, const std::optional<Pin>& pin, bool vouched,
                               const std::string& lower) {
  if (!config.open) return CrashState::kClean;
  if (vouched || (pin && confirms(*pin, config))) return CrashState::kCrashed;
  return make_error(Errc::kCrashUnconfirmed,
                    lower + ": enfold.volume says that a mount of it never ended, and " + why_not(pin) +
                        ": a disk was moved after a crash, a mounted volume was copied, or somebody changed "
                        "it; if it was one of the first two, `enfold mount --recover` takes it as it is");
}

bool is_older_copy(const ConfigState& config, const std::optional<Pin>& pin) {
  return pin && !config.open && config.mount_number < pin->mount_number;
}

std::uint64_t next_mount_number(const ConfigState& config, const std::optional<Pin>& pin) {
  return std::max(config.mount_number, pin ? pin->mount_number : 0) + 1;
}

}  // namespace enfold
