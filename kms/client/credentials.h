// Which access key signs the requests to a key service: that of the environment (AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN), else that of AWS_PROFILE, or of [default], in the file
// AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "kms/base/error.h"
#include "kms/base/files.h"
#include "kms/crypto/wiped_bytes.h"

namespace enfold {

struct ClientAccessKey {
  std::string id;
  WipedBytes secret;
  std::string session_token;  // empty: none
};

// kKmsUnauthenticated where the profile is not in the text or has no access key. Sections [NAME], lines
// `name = value`, comments behind # or ; at the start of a line. Other names are ignored.
Result<ClientAccessKey> read_credentials(std::string_view text, const std::string& profile);

// Thread-safe.
class Credentials {
 public:
  // Looks at the environment once. `files` outlives this.
  explicit Credentials(Files& files);

  // Reads the file when it changed. While it has no key then, or is away, as when an editor rewrites it, the
  // last one is answered, and the log says so once. kKmsUnauthenticated says what is missing and where.
  Result<std::shared_ptr<const ClientAccessKey>> find();
  // The service refuses the key: the next find() reads the file, and answers no other than what it has then.
  void forget();

 private:
  struct Version {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;  // ctime
    friend bool operator==(const Version&, const Version&) = default;
  };
  Result<void> refresh(Version& seen);
  [[nodiscard]] Result<ClientAccessKey> read(int fd, std::uint64_t size);

  Files& files_;
  std::string path_;  // empty: neither variable nor home
  std::string profile_;
  bool is_of_environment_ = false;
  std::mutex mutex_;  // guards what follows
  Version version_;
  std::optional<Version> warned_of_;
  std::shared_ptr<const ClientAccessKey> key_;
};

}  // namespace enfold
