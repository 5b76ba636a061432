// `enfold.volume`: prefix page | slot page | slot page | state page (FORMAT.md, "Config"). The slots wrap the
// volume secret; the state page is the only one that a mount writes.
#pragma once

#include <array>
#include <optional>

#include "fs/format/envelope.h"
#include "fs/format/header.h"
#include "fs/format/ids.h"
#include "fs/format/keys.h"

namespace enfold {

inline constexpr std::size_t kConfigBytes = 4 * kPageBytes;
inline constexpr std::size_t kConfigStateOffset = 3 * kPageBytes;

using ConfigFile = std::array<std::uint8_t, kConfigBytes>;
using ConfigStatePage = std::array<std::uint8_t, kPageBytes>;

struct ConfigState {
  bool open = false;                   // a mount has it open, or a crash left it so
  std::uint64_t mount_number = 0;      // counts the writable mounts
  CrashEpoch durable;                  // all up to here was synced
  std::uint64_t crashed_start_ns = 0;  // written as 0, not used

  friend bool operator==(const ConfigState&, const ConfigState&) = default;
};

struct Config {
  VolumeId volume;
  Envelope envelope;  // wraps the volume secret
  ConfigState state;
};

// A new volume's file.
Result<ConfigFile> encode_config(const Config& config, const VolumeKeys& keys);

// Before the volume secret is known: who to ask for it. Nothing of it is verified. kNotAVolume for a wrong
// magic or size; kUnsupported, naming it, for another version, cipher or critical flag.
struct UnverifiedConfig {
  VolumeId volume;
  std::vector<Envelope> envelopes;  // of the non-empty slots, highest generation first
};
Result<UnverifiedConfig> peek_config(ByteSpan file);
// The state page of a file that peek_config took, without its MAC: for `status` and `inspect`.
Result<ConfigState> peek_config_state(ByteSpan file);

// With the volume's keys: verifies every page. kDamaged where anything is wrong.
Result<Config> decode_config(ByteSpan file, const VolumeKeys& keys);

// One slot page; `index` is 0 or 1.
using ConfigSlotPage = std::array<std::uint8_t, kPageBytes>;
inline constexpr std::size_t kConfigSlotOffset[2] = {kPageBytes, 2 * kPageBytes};
Result<ConfigSlotPage> encode_config_slot(const Envelope& envelope, std::uint8_t index, ByteSpan prefix_page,
                                          const VolumeKeys& keys);
// Nothing for an empty one; of a file that decode_config took.
Result<std::optional<Envelope>> config_slot(ByteSpan file, std::uint8_t index);

// The state page as it goes to kConfigStateOffset; `prefix_page` is the first page of the file.
ConfigStatePage encode_config_state(const ConfigState& state, ByteSpan prefix_page, const VolumeKeys& keys);

}  // namespace enfold
