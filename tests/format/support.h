// Fixed keys and samples of every structure of fs/format, and randomness from a seed. Used by tests and
// fuzzers.
#pragma once

#include <random>

#include "fs/format/config.h"
#include "fs/format/header.h"
#include "fs/format/keys.h"
#include "fs/format/marker.h"
#include "fs/format/names.h"
#include "fs/format/sector.h"
#include "fs/format/special.h"
#include "fs/format/xattr.h"
#include "kms/base/entropy.h"

namespace enfold::format_test {

// The same bytes from the same seed.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override;
  // 0 to limit - 1; always drawn alike, on every standard library.
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

 private:
  std::mt19937_64 engine_;
};

// ENFOLD_TEST_SEED, else random; printed at its first use.
std::uint64_t test_seed();

// ENFOLD_LONG=1 tries all of what the short form samples by the seed.
bool is_long_form();

// first, first + 1, ...
template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t first) {
  std::array<std::uint8_t, N> out{};
  for (std::uint8_t& byte : out) byte = first++;
  return out;
}

inline VolumeId sample_volume() { return {counting<16>(0x10)}; }
inline FileId sample_file() { return {counting<16>(0x20)}; }
inline FileId other_file() { return {counting<16>(0x21)}; }
inline DirectoryId sample_directory() { return {counting<16>(0x30)}; }
inline DirectoryId other_directory() { return {counting<16>(0x31)}; }
inline std::array<std::uint8_t, 32> sample_secret() { return counting<32>(0x40); }
inline DataKey sample_new_data_key() { return DataKey(counting<32>(0x61)); }
inline DataKey sample_data_key() { return DataKey(counting<32>(0x60)); }

VolumeKeys sample_keys();
// Another volume id, and another volume's secret.
VolumeKeys other_keys();

Recipient sample_recipient();
Envelope sample_envelope();
StateRecord sample_state();
HeaderPage sample_header();
// Between two data keys: the former one, of sample_header(), in slot 0, the current one in slot 1.
FormerKey sample_former();
Envelope sample_new_envelope();
HeaderPage sample_header_between();
// What the KMS's data key gives for sample_header().
ContentKey sample_content_key(std::uint8_t key_epoch = 0);
Config sample_config();
ConfigFile sample_config_file();
Marker sample_marker();
Special sample_symlink();
Special sample_device();

// Puts a correct MAC at the end of a structure that a test has changed.
void reseal_slot(HeaderPage& page, std::uint8_t index);
void reseal_state(HeaderPage& page);
void reseal_config_slot(ConfigFile& file, std::uint8_t index);
void reseal_config_state(ConfigFile& file);

// A special object's content with any payload and kind field, correctly sealed.
Bytes seal_any_special(std::uint16_t kind_field, std::uint16_t size_remainder, ByteSpan payload);
// A sector with any length, flags and 4064 bytes of plaintext, correctly sealed for index 7.
std::array<std::uint8_t, kPageBytes> seal_any_sector(std::uint16_t length, std::uint16_t flags,
                                                     ByteSpan plain);
inline constexpr std::uint64_t kAnySectorIndex = 7;

}  // namespace enfold::format_test
