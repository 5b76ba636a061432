#include "kms/client/embedded_kms.h"

namespace enfold {

Result<std::unique_ptr<KmsClient>> open_kms(const std::string& url, PassphraseSource& passphrase) {
  constexpr std::string_view kEmbedded = "embedded:";
  if (!url.starts_with(kEmbedded) || url.size() == kEmbedded.size())
    return make_error(Errc::kUnsupported, "This program knows the KMS URL embedded:DIR, not " + url);
  ENFOLD_TRY_ASSIGN(std::shared_ptr<Engine> engine,
                    open_embedded_engine(url.substr(kEmbedded.size()), passphrase));
  return make_embedded_kms(std::move(engine));
}

}  // namespace enfold
