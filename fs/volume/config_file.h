// `enfold.volume` in a lower directory: reading it whole, and writing its one mutable page.
#pragma once

#include <string>

#include "fs/format/config.h"
#include "kms/base/files.h"

namespace enfold {

// kNotAVolume where there is none in `lower_dir`, a descriptor of the directory at `lower` (for messages).
Result<ConfigFile> read_config_file(Files& files, int lower_dir, const std::string& lower);

// One slot page, in place and synced; nothing for `envelope` wipes it.
Result<void> write_config_slot(Files& files, int lower_dir, std::uint8_t index,
                               const std::optional<Envelope>& envelope, const ConfigFile& config,
                               const VolumeKeys& keys);

// In place and synced; `config` is the file as it was read.
Result<void> write_config_state(Files& files, int lower_dir, const ConfigFile& config,
                                const ConfigState& state, const VolumeKeys& keys);

}  // namespace enfold
