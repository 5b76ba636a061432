// Is there a crash on record? The config and the user's pin tell together (FORMAT.md, "Crashes"), so that who
// changes the lower directory alone cannot make a volume look as if it had crashed.
#pragma once

#include <optional>
#include <string>

#include "fs/volume/pin.h"

namespace enfold {

enum class CrashState : std::uint8_t { kClean, kCrashed };

// kCrashUnconfirmed where the config says that a mount had it open and the pin does not confirm it, unless
// the user vouches for that (`mount --recover`). `lower` is for the message.
Result<CrashState> crash_state(const ConfigState& config, const std::optional<Pin>& pin, bool vouched,
                               const std::string& lower);

// Whether the user has mounted a later state of this volume here. Not an error: backups get restored.
[[nodiscard]] bool is_older_copy(const ConfigState& config, const std::optional<Pin>& pin);

// For the next mount: above all that was ever used for this copy or this pin.
[[nodiscard]] std::uint64_t next_mount_number(const ConfigState& config, const std::optional<Pin>& pin);

}  // namespace enfold
