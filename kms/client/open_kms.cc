#include "kms/client/embedded_api.h"
#include "kms/client/embedded_kms.h"
#include "kms/client/kms_url.h"
#include "kms/client/remote_api.h"
#include "kms/client/remote_kms.h"

namespace enfold {

Result<std::unique_ptr<KmsClient>> open_kms(const std::string& url, PassphraseSource& passphrase) {
  ENFOLD_TRY_ASSIGN(KmsUrl parsed, parse_kms_url(url));
  if (parsed.scheme == KmsScheme::kEmbedded) {
    ENFOLD_TRY_ASSIGN(std::shared_ptr<Engine> engine, open_embedded_engine(parsed.place, passphrase));
    return make_embedded_kms(std::move(engine));
  }
  ENFOLD_TRY_ASSIGN(auto endpoint, RemoteEndpoint::open(std::move(parsed)));
  return make_remote_kms(std::move(endpoint));
}

Result<std::unique_ptr<KmsApi>> open_kms_api(const std::string& url, PassphraseSource& passphrase) {
  ENFOLD_TRY_ASSIGN(KmsUrl parsed, parse_kms_url(url));
  if (parsed.scheme == KmsScheme::kEmbedded) {
    ENFOLD_TRY_ASSIGN(std::shared_ptr<Engine> engine, open_embedded_engine(parsed.place, passphrase));
    return make_embedded_api(std::move(engine));
  }
  ENFOLD_TRY_ASSIGN(auto endpoint, RemoteEndpoint::open(std::move(parsed)));
  return make_remote_api(std::move(endpoint));
}

}  // namespace enfold
