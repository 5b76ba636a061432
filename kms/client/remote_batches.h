// Many keys by one call of a remote key service, where it is one of ours.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kms/client/kms_client.h"
#include "kms/client/remote_endpoint.h"

namespace enfold {

// Thread-safe.
class RemoteBatches {
 public:
  // `endpoint` outlives this.
  explicit RemoteBatches(RemoteEndpoint& endpoint);

  // One answer for each entry, in order. Nothing where the service has no such operation: it is asked once,
  // and again only while it does not answer.
  std::optional<std::vector<Result<DecryptedKey>>> decrypt(const std::string& key_arn,
                                                           std::span<const DecryptItem> entries);
  std::optional<std::vector<Result<ReEncryptedKey>>> re_encrypt(const std::string& from_key_arn,
                                                                const std::string& to_key_arn,
                                                                std::span<const DecryptItem> entries);

 private:
  struct Known {
    bool is_asked = false;
    bool has_decrypt = false;
    bool has_re_encrypt = false;
  };
  Known known(const std::string& key_arn);  // asked in that key's region
  void set_known(Known known);

  Result<boost::json::object> ask(std::string_view target, const std::string& key_arn,
                                  const boost::json::object& request, std::size_t entries);
  Result<std::vector<Result<DecryptedKey>>> decrypt_part(const std::string& key_arn,
                                                         std::span<const DecryptItem> part);
  Result<std::vector<Result<ReEncryptedKey>>> re_encrypt_part(const std::string& from_key_arn,
                                                              const std::string& to_key_arn,
                                                              std::span<const DecryptItem> part);
  template <class Out, class Ask>
  std::optional<std::vector<Result<Out>>> in_parts(std::span<const DecryptItem> entries, Ask ask);

  RemoteEndpoint& endpoint_;
  std::mutex mutex_;  // guards known_
  Known known_;
};

}  // namespace enfold
