#include "fs/volume/lower_probe.h"

#include <cerrno>

namespace enfold {
namespace {

constexpr unsigned long kNeededNameBytes = 255;

// The suffix is the same in both cases: digits alone.
std::string digits(Entropy& entropy) {
  std::string out;
  for (const std::uint8_t byte : random_array<12>(entropy)) out += std::to_string(byte % 10);
  return out;
}

Result<void> refuse_folding(Files& files, int directory, const std::string& path, const std::string& suffix) {
  auto other = files.stat_at(directory, "ENFOLD-PROBE-" + suffix);
  if (other)
    return make_error(Errc::kCaseFolding, path +
                                              ": the filesystem there folds case, so encrypted names would "
                                              "collide; choose a directory on another one");
  if (other.error().errno_value != ENOENT) return add_context(std::move(other).error(), path);
  return {};
}

}  // namespace

Result<void> probe_lower_directory(Files& files, int directory, const std::string& path, Entropy& entropy) {
  ENFOLD_TRY_ASSIGN(const struct statvfs space, files.stat_filesystem(directory));
  if (space.f_namemax < kNeededNameBytes)
    return make_error(Errc::kUnsupported,
                      path + ": the filesystem there takes names of at most " +
                          std::to_string(space.f_namemax) +
                          " bytes and Enfold needs 255; choose a directory on another one");
  const std::string suffix = digits(entropy);
  const std::string name = "enfold-probe-" + suffix;
  auto made = files.open_at(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!made) return add_context(std::move(made).error(), path + ": making a file there");
  auto verdict = refuse_folding(files, directory, path, suffix);
  auto removed = files.unlink_at(directory, name, 0);
  if (verdict && !removed)
    return add_context(std::move(removed).error(),
                       "removing the probe " + path + "/" + name + " (remove it by hand)");
  return verdict;
}

}  // namespace enfold
