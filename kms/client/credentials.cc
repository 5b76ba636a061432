#include "kms/client/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxValueBytes = 8192;  // of a session token, which is the longest

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// They go into headers, where anything else would be another header.
bool is_visible(std::string_view text) {
  return text.size() <= kMaxValueBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::unexpected<Error> unknown(const std::string& what) {
  return make_error(Errc::kKmsUnauthenticated,
                    what +
                        "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to "
                        "~/.aws/credentials");
}

Result<ClientAccessKey> access_key(std::string_view id, std::string_view secret, std::string_view token,
                                   const std::string& where) {
  if (id.empty()) return unknown(where + " has no access key");
  if (secret.empty()) return unknown(where + " has an access key id without a secret access key");
  if (!is_visible(id) || !is_visible(secret) || !is_visible(token))
    return unknown(where + " has an access key with characters that none has");
  return ClientAccessKey{std::string(id), WipedBytes(as_bytes(secret)), std::string(token)};
}

// Lines of one profile.
struct Profile {
  bool is_there = false;
  std::string_view id;
  std::string_view secret;
  std::string_view token;

  void take(std::string_view name, std::string_view value) {
    if (name == "aws_access_key_id") id = value;
    if (name == "aws_secret_access_key") secret = value;
    if (name == "aws_session_token") token = value;
  }
};

Profile find_profile(std::string_view text, const std::string& wanted) {
  Profile out;
  bool is_inside = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('[') && line.ends_with(']')) {
      is_inside = trimmed(line.substr(1, line.size() - 2)) == wanted;
      out.is_there = out.is_there || is_inside;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!is_inside || line.starts_with('#') || line.starts_with(';') || equals == std::string_view::npos)
      continue;
    out.take(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
  }
  return out;
}

std::string credentials_file() {
  std::string named = variable("AWS_SHARED_CREDENTIALS_FILE");
  if (!named.empty()) return named;
  const std::string home = variable("HOME");
  return home.empty() ? home : home + "/.aws/credentials";
}

// A mount leaves the directory that it was started in.
std::string from_root(std::string path) {
  std::array<char, PATH_MAX> here{};
  if (path.empty() || path.starts_with('/') || ::getcwd(here.data(), here.size()) == nullptr) return path;
  return std::string(here.data()) + "/" + path;
}

}  // namespace

Result<ClientAccessKey> read_credentials(std::string_view text, const std::string& profile) {
  const Profile found = find_profile(text, profile);
  if (!found.is_there) return unknown("there is no profile [" + profile + "]");
  return access_key(found.id, found.secret, found.token, "the profile [" + profile + "]");
}

Credentials::Credentials(Files& files)
    : files_(files), path_(from_root(credentials_file())), profile_(variable("AWS_PROFILE")) {
  if (profile_.empty()) profile_ = "default";
  const std::string id = variable("AWS_ACCESS_KEY_ID");
  std::string secret = variable("AWS_SECRET_ACCESS_KEY");
  if (!id.empty()) {
    is_of_environment_ = true;
    auto key = access_key(id, secret, variable("AWS_SESSION_TOKEN"), "the environment");
    if (key) key_ = std::make_shared<const ClientAccessKey>(*std::move(key));
  }
  wipe({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
}

Result<ClientAccessKey> Credentials::read(int fd, std::uint64_t size) {
  if (size > kMaxFileBytes) return unknown(path_ + ": it is too large for a credentials file");
  Bytes content(size);
  auto count = read_full(files_, fd, content, 0);
  if (!count) return unknown(path_ + ": " + describe(count.error()));
  const std::string_view text(reinterpret_cast<const char*>(content.data()), *count);
  auto key = read_credentials(text, profile_);
  wipe(content);
  if (!key) return add_context(std::move(key).error(), path_);
  return key;
}

Result<std::shared_ptr<const ClientAccessKey>> Credentials::find() {
  const std::lock_guard lock(mutex_);
  if (is_of_environment_) {
    if (key_) return key_;
    return unknown("the environment's AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is no access key");
  }
  if (path_.empty()) return unknown("there are no credentials for the KMS");
  Version seen;
  auto read = refresh(seen);
  if (!read && !key_) return std::unexpected(std::move(read).error());
  if (!read && warned_of_ != seen)
    log_warning(describe(read.error()) + ". Until the KMS refuses it, the access key read before is used");
  warned_of_ = read ? std::nullopt : std::optional(seen);
  return key_;
}

// `seen` stays as it is where there is no file.
Result<void> Credentials::refresh(Version& seen) {
  // Opening a FIFO would wait for who writes to it.
  auto file = files_.open_at(AT_FDCWD, path_, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  if (!file) return unknown("there are no credentials for the KMS: " + path_ + ": " + describe(file.error()));
  ENFOLD_TRY_ASSIGN(const StatX now, files_.stat_at(file->get(), ""));
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  seen = {now.stx_ino, now.stx_size, now.stx_ctime.tv_sec * kNsPerSecond + now.stx_ctime.tv_nsec};
  if (!S_ISREG(now.stx_mode))
    return unknown("there are no credentials for the KMS: " + path_ + ": it is no regular file");
  if (key_ && seen == version_) return {};
  ENFOLD_TRY_ASSIGN(ClientAccessKey key, read(file->get(), now.stx_size));
  key_ = std::make_shared<const ClientAccessKey>(std::move(key));
  version_ = seen;
  return {};
}

void Credentials::forget() {
  const std::lock_guard lock(mutex_);
  if (!is_of_environment_) key_ = nullptr;
}

}  // namespace enfold
