#include "kms/engine/engine.h"

#include "kms/engine/tables.h"
#include "kms/store/store_admin.h"

namespace enfold {

Engine::Engine(std::unique_ptr<Store> store, Entropy& entropy, Clock& clock)
    : entropy_(entropy), clock_(clock), tables_(std::make_unique<Tables>(std::move(store))) {}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> open_embedded_engine(const std::string& dir, PassphraseSource& passphrase) {
  static SystemEntropy entropy;
  static SystemClock clock;
  ENFOLD_TRY_ASSIGN(std::unique_ptr<Store> store, open_store(dir, passphrase, entropy));
  return std::make_unique<Engine>(std::move(store), entropy, clock);
}

}  // namespace enfold
