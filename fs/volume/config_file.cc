#include "fs/volume/config_file.h"

#include <cerrno>

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

Result<void> write_config_state(Files& files, int lower_dir, const ConfigFile& config,
                                const ConfigState& state, const VolumeKeys& keys) {
  const ConfigStatePage page = encode_config_state(state, ByteSpan(config).first(kPageBytes), keys);
  ENFOLD_TRY_ASSIGN(Fd fd, open_regular(files, lower_dir, kConfigFileName, O_WRONLY));
  ENFOLD_TRY(write_full(files, fd.get(), page, kConfigStateOffset));
  return files.sync(fd.get());
}

}  // namespace enfold
