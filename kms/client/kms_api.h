// One operation of a key service, JSON in and JSON out, wherever the service is: what the administration
// commands stand on. A volume uses KmsClient (kms_client.h).
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "kms/base/error.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

// Thread-safe.
class KmsApi {
 public:
  KmsApi() = default;
  KmsApi(const KmsApi&) = delete;
  KmsApi& operator=(const KmsApi&) = delete;
  virtual ~KmsApi() = default;

  // `target` as in X-Amz-Target: "TrentService.CreateKey" or "Enfold.AddPrincipal". An empty `region` is the
  // service's own: of the URL, the environment (AWS_REGION), else the service's default.
  virtual Result<boost::json::object> call(std::string_view target, std::string_view region,
                                           const boost::json::object& request) = 0;
};

// As open_kms (kms_client.h), for the same URLs. An embedded store is called as itself: local_scope(), as an
// administrator.
Result<std::unique_ptr<KmsApi>> open_kms_api(const std::string& url, PassphraseSource& passphrase);

}  // namespace enfold
