#include "kms/store/passphrase_key.h"

namespace enfold {

Result<WipedBytes> passphrase_key(PassphraseSource& source, ByteSpan salt, const ScryptCost& cost) {
  ENFOLD_TRY_ASSIGN(Bytes passphrase, source.passphrase());
  if (passphrase.empty()) return make_error(Errc::kInvalidArgument, "An empty passphrase protects nothing");
  WipedBytes key(32);
  Result<void> stretched = scrypt(passphrase, salt, cost, key.expose_mutable());
  wipe(passphrase);
  if (!stretched) return make_error(Errc::kStoreTampered, stretched.error().message);
  return key;
}

}  // namespace enfold
