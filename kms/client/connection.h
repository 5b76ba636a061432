// One connection to a key service over a Unix socket, TCP or TLS: a request goes out as it is, the answer
// comes back whole. Everything ends by its time limit. The libraries behind it are in connection.cc alone.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "kms/base/error.h"
#include "kms/client/kms_url.h"
#include "kms/wire/wiped_string.h"

namespace enfold {

inline constexpr std::size_t kMaxAnswerBytes = std::size_t{16} << 20U;  // of any

struct HttpReply {
  int status = 0;
  WipedString body;
};

enum class TransportFault : std::uint8_t {
  kNotReached,  // nothing was sent
  kUntrusted,   // nor was it here: another may have answered than the one that was meant
  kNoTime,
  kUnanswered,  // closed by the other end before a byte of an answer
  kCut,         // closed within the answer
  kNotHttp,     // no HTTP, or more of it than there may be
};

struct TransportError {
  TransportFault fault;
  std::string why;
};

template <class T>
using Transported = std::expected<T, TransportError>;

// Belongs to one thread at a time.
class KmsConnection {
 public:
  KmsConnection() = default;
  KmsConnection(const KmsConnection&) = delete;
  KmsConnection& operator=(const KmsConnection&) = delete;
  virtual ~KmsConnection() = default;

  // kNotHttp where the answer has more than `max_answer_bytes`: no more of it is read. Once it failed, the
  // connection is of no further use.
  virtual Transported<HttpReply> exchange(std::string_view request, std::size_t max_answer_bytes,
                                          std::int64_t timeout_ns) = 0;
  // Whether another exchange may follow: the last answer allows it, and nothing has come since, no end
  // either.
  [[nodiscard]] virtual bool is_reusable() = 0;
};

// Thread-safe.
class KmsConnector {
 public:
  KmsConnector() = default;
  KmsConnector(const KmsConnector&) = delete;
  KmsConnector& operator=(const KmsConnector&) = delete;
  virtual ~KmsConnector() = default;
  virtual Transported<std::unique_ptr<KmsConnection>> connect(std::int64_t timeout_ns) = 0;
};

// For https: TLS 1.2 or later, and a certificate for the URL's host from an authority that the system trusts,
// or one in the file that the environment variable AWS_CA_BUNDLE names. kInvalidArgument where that file does
// not read.
Result<std::unique_ptr<KmsConnector>> make_connector(const KmsUrl& url);

}  // namespace enfold
