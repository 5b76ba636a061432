#include "fs/volume/content_cipher.h"

namespace enfold {

ContentCipher::Lease ContentCipher::lease() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto gcm = std::move(idle_.back());
      idle_.pop_back();
      return {*this, std::move(gcm)};
    }
  }
  return {*this, std::make_unique<Gcm>(key_.expose())};
}

void ContentCipher::give_back(std::unique_ptr<Gcm> gcm) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(gcm));
}

}  // namespace enfold
