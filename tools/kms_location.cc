#include "tools/kms_location.h"

#include <cerrno>

#include "fs/volume/user_directories.h"

namespace enfold {
namespace {

constexpr std::string_view kEmbedded = "embedded:";

// Resolves what exists; the missing end of the path is appended as it is.
Result<std::string> resolve_directory(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto resolved = canonical_path(path);
  if (resolved || resolved.error().errno_value != ENOENT) return resolved;
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name == "." || name == ".." || slash == 0) return slash == 0 ? Result<std::string>(path) : resolved;
  ENFOLD_TRY_ASSIGN(std::string parent, slash == std::string::npos
                                            ? canonical_path(".")
                                            : resolve_directory(path.substr(0, slash)));
  return parent == "/" ? "/" + name : parent + "/" + name;
}

}  // namespace

Result<std::string> resolve_kms_url(const std::string& text) {
  std::string directory;
  if (text.empty()) {
    ENFOLD_TRY_ASSIGN(directory, user_data_directory());
    directory += "/enfold/kms";
  } else if (auto named = embedded_directory(text)) {
    directory = *named;
  } else {
    return text;
  }
  if (directory.empty())
    return make_error(Errc::kInvalidArgument, "--kms " + text + ": names no directory; write embedded:DIR");
  ENFOLD_TRY_ASSIGN(const std::string resolved, resolve_directory(directory));
  return std::string(kEmbedded) + resolved;
}

std::optional<std::string> embedded_directory(const std::string& kms_url) {
  if (!kms_url.starts_with(kEmbedded)) return std::nullopt;
  return kms_url.substr(kEmbedded.size());
}

Result<std::string> require_embedded(const std::string& kms_url) {
  auto directory = embedded_directory(kms_url);
  if (directory) return *directory;
  return make_error(
      Errc::kUnsupported,
      "--kms " + kms_url + ": keys are administered in an embedded store only; write embedded:DIR");
}

}  // namespace enfold
