#include "fs/volume/config_file.h"

#include <cerrno>
#include <tuple>

#include "fs/format/names.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

const std::string kConfigFileName(kConfigName);

std::unexpected<Error> not_a_volume(const std::string& lower, const std::string& why) {
  return make_error(Errc::kNotAVolume,
                    lower + ": is no Enfold volume: " + why +
                        "; name the lower directory of a volume, or make one with `enfold init`");
}

// What fails half-way is put back, for a torn page is damage.
Result<void> write_page(Files& files, int lower_dir, ByteSpan page, std::size_t offset) {
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(files, lower_dir, kConfigFileName, O_RDWR));
  std::array<std::uint8_t, kPageBytes> before{};
  ENFOLD_TRY(read_full(files, fd.get(), before, offset));
  auto written = write_full(files, fd.get(), page, offset);
  if (written) return files.sync(fd.get());
  std::ignore = write_full(files, fd.get(), before, offset);
  return written;
}

}  // namespace

Result<ConfigFile> read_config_file(Files& files, int lower_dir, const std::string& lower) {
  auto content = read_regular(files, lower_dir, kConfigFileName, kConfigBytes);
  if (!content) {
    const Error& error = content.error();
    if (has_errno(error, ENOENT)) return not_a_volume(lower, "it holds no enfold.volume");
    if (error.code == Errc::kDamaged) return not_a_volume(lower, error.message);
    return add_context(error, lower + "/enfold.volume");
  }
  if (content->size() != kConfigBytes)
    return not_a_volume(lower,
                        "its enfold.volume has " + std::to_string(content->size()) + " bytes, not 16384");
  ConfigFile config;
  std::ranges::copy(*content, config.begin());
  return config;
}

Result<void> write_config_slot(Files& files, int lower_dir, std::uint8_t index,
                               const std::optional<Envelope>& envelope, const ConfigFile& config,
                               const VolumeKeys& keys) {
  ConfigSlotPage page{};
  if (envelope) {
    ENFOLD_TRY_ASSIGN(page, encode_config_slot(*envelope, index, ByteSpan(config).first(kPageBytes), keys));
  }
  return write_page(files, lower_dir, page, kConfigSlotOffset[index]);
}

Result<void> write_config_state(Files& files, int lower_dir, const ConfigFile& config,
                                const ConfigState& state, const VolumeKeys& keys) {
  return write_page(files, lower_dir, encode_config_state(state, ByteSpan(config).first(kPageBytes), keys),
                    kConfigStateOffset);
}

}  // namespace enfold
