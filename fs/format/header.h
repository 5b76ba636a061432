// The header page of a regular file: prefix 512 | slot 1536 | slot 1536 | state 512 (FORMAT.md, "Header
// page").
#pragma once

#include <array>
#include <optional>

#include "fs/format/envelope.h"
#include "fs/format/ids.h"
#include "fs/format/keys.h"
#include "fs/format/length.h"

namespace enfold {

inline constexpr std::size_t kPrefixBytes = 512;
inline constexpr std::size_t kStateBytes = 512;
inline constexpr std::size_t kSlotOffset[2] = {kPrefixBytes, kPrefixBytes + kSlotBytes};
inline constexpr std::size_t kStateOffset = kPrefixBytes + 2 * kSlotBytes;
// The commitment is the last 32 bytes of the prefix; file_key() binds what stands before it.
inline constexpr std::size_t kPrefixBoundBytes = kPrefixBytes - 32;
inline constexpr std::size_t kPrefixSaltOffset = 56;

// At most so many sectors are sealed under one content key (FORMAT.md, "Nonces").
inline constexpr std::uint64_t kMaxSectorWrites = std::uint64_t{1} << 32;

using HeaderPage = std::array<std::uint8_t, kPageBytes>;

struct Prefix {
  std::uint32_t secret_id = 1;  // which volume secret; version 1 has one
  VolumeId volume;
  FileId file;
  std::array<std::uint8_t, 32> salt{};
  Digest commitment{};
};

// A crash epoch: mount number, then checkpoint number within the mount.
struct CrashEpoch {
  std::uint64_t mount = 0;
  std::uint64_t checkpoint = 0;
  friend auto operator<=>(const CrashEpoch&, const CrashEpoch&) = default;
};

// The data key that a file had before its current one, while sectors may still be under it ("between two data
// keys"): which slot wraps it, and where its prefix differs from that of the page.
struct FormerKey {
  std::uint8_t slot_index = 0;
  std::array<std::uint8_t, 32> salt{};
  Digest commitment{};

  friend bool operator==(const FormerKey&, const FormerKey&) = default;
};

struct StateRecord {
  bool clean = true;
  CrashEpoch epoch;
  std::uint64_t sealed_length = 0;  // plain bytes
  std::uint64_t base_length = 0;    // plain bytes known durable
  std::uint64_t hole_end = 0;       // sector index below which a zero sector is a hole; 0 = never sparse
  std::uint64_t sector_writes = 0;  // under the present content key: counted when clean, reserved when dirty
  std::uint8_t key_epoch = 0;
  std::uint8_t parity = 0;  // of the current data key: 0 or 1
  DirectoryId parent;       // a hint for repair
  std::optional<FormerKey> former{};

  friend bool operator==(const StateRecord&, const StateRecord&) = default;
};

using PrefixSpan = std::span<std::uint8_t, kPrefixBytes>;
using ConstPrefixSpan = std::span<const std::uint8_t, kPrefixBytes>;
using StateSpan = std::span<std::uint8_t, kStateBytes>;
using ConstStateSpan = std::span<const std::uint8_t, kStateBytes>;

// Whether this looks like the start of a file header, or of a volume config: it may hold an envelope,
// whatever else is wrong with it.
[[nodiscard]] bool may_hold_envelope(ByteSpan content);

// Everything but the commitment, which depends on these bytes; then set_commitment completes the prefix.
void encode_prefix(const Prefix& prefix, PrefixSpan out);
void set_commitment(const Digest& commitment, PrefixSpan out);

// kDamaged for a wrong magic or nonzero reserved bytes; kUnsupported, naming it, for another version, cipher
// or critical flag.
Result<Prefix> decode_prefix(ConstPrefixSpan bytes);

void encode_state(const StateRecord& state, ConstPrefixSpan prefix, const MacKey& key, StateSpan out);
Result<StateRecord> decode_state(ConstStateSpan bytes, ConstPrefixSpan prefix, const MacKey& key);
// Without the MAC, for `inspect`.
Result<StateRecord> decode_state_unverified(ConstStateSpan bytes);

inline PrefixSpan prefix_of(HeaderPage& page) { return PrefixSpan(page.data(), kPrefixBytes); }
inline ConstPrefixSpan prefix_of(const HeaderPage& page) {
  return ConstPrefixSpan(page.data(), kPrefixBytes);
}
inline SlotSpan slot_of(HeaderPage& page, std::uint8_t index) {
  return SlotSpan(page.data() + kSlotOffset[index], kSlotBytes);
}
inline ConstSlotSpan slot_of(const HeaderPage& page, std::uint8_t index) {
  return ConstSlotSpan(page.data() + kSlotOffset[index], kSlotBytes);
}
inline StateSpan state_of(HeaderPage& page) { return StateSpan(page.data() + kStateOffset, kStateBytes); }
inline ConstStateSpan state_of(const HeaderPage& page) {
  return ConstStateSpan(page.data() + kStateOffset, kStateBytes);
}

// The prefix that the former file key is bound to.
std::array<std::uint8_t, kPrefixBytes> former_prefix(ConstPrefixSpan prefix, const FormerKey& former);

// A whole verified header page.
struct Header {
  Prefix prefix;
  Envelope envelope;        // of the current data key: of its valid slots that with the higher generation
  std::uint8_t slot_index;  // which slot that is
  StateRecord state;
  std::optional<Envelope> former;  // of the former data key; that is state.former->slot_index
  bool has_spare_slot = true;      // the other slot is empty
};

// Verifies prefix, both slots and state. A slot that is neither empty nor valid is damage, and so is no slot
// at all; a prefix of another volume too.
Result<Header> decode_header(const HeaderPage& page, const VolumeKeys& keys);

// Both slots, by index, under the prefix in `page`; null for an empty one.
Result<void> encode_slots(const std::array<const Envelope*, 2>& envelopes, const VolumeKeys& keys,
                          const FileId& file, HeaderPage& page);

// A new file's page: one slot (index 0), the other empty. The prefix must be complete in `page` already.
Result<void> finish_header(const Envelope& envelope, const StateRecord& state, const VolumeKeys& keys,
                           const FileId& file, HeaderPage& page);

}  // namespace enfold
