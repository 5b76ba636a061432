#include "tools/kms_location.h"

#include <cerrno>

#include "fs/volume/user_directories.h"
#include "kms/client/kms_url.h"

namespace enfold {
namespace {

constexpr std::string_view kEmbedded = "embedded:";
constexpr std::string_view kUnix = "unix:";

// Resolves what exists; the missing end of the path is appended as it is.
Result<std::string> resolve_path(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto resolved = canonical_path(path);
  if (resolved || resolved.error().errno_value != ENOENT) return resolved;
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name == "." || name == ".." || slash == 0) return slash == 0 ? Result<std::string>(path) : resolved;
  ENFOLD_TRY_ASSIGN(std::string parent,
                    slash == std::string::npos ? canonical_path(".") : resolve_path(path.substr(0, slash)));
  return parent == "/" ? "/" + name : parent + "/" + name;
}

// Symlinks stay: who could have made them matters where the socket is connected to.
Result<std::string> absolute_path(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.starts_with('/')) return path;
  ENFOLD_TRY_ASSIGN(const std::string here, canonical_path("."));
  return (here == "/" ? here : here + "/") + path;
}

}  // namespace

Result<std::string> resolve_kms_url(const std::string& text) {
  if (text.empty()) {
    ENFOLD_TRY_ASSIGN(const std::string data, user_data_directory());
    ENFOLD_TRY_ASSIGN(const std::string resolved, resolve_path(data + "/enfold/kms"));
    return std::string(kEmbedded) + resolved;
  }
  if (text == kEmbedded || text == kUnix)
    return make_error(Errc::kInvalidArgument,
                      "--kms " + text + ": names no path; write " + text + (text == kUnix ? "PATH" : "DIR"));
  for (const std::string_view scheme : {kEmbedded, kUnix}) {
    if (!text.starts_with(scheme)) continue;
    const std::string path = text.substr(scheme.size());
    ENFOLD_TRY_ASSIGN(const std::string resolved, scheme == kUnix ? absolute_path(path) : resolve_path(path));
    ENFOLD_TRY(parse_kms_url(std::string(scheme) + resolved));
    return std::string(scheme) + resolved;
  }
  auto url = parse_kms_url(text);
  // In a pin it may be of a newer Enfold; on the command line it is a slip.
  if (!url && url.error().code == Errc::kUnsupported) url.error().code = Errc::kInvalidArgument;
  if (!url) return std::unexpected(std::move(url).error());
  return url->normal();
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
      "--kms " + kms_url +
          ": this is done to the files of an embedded store; write embedded:DIR, where they are");
}

}  // namespace enfold
