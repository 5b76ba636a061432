// One content key with a pool of keyed contexts, so that each thread seals and opens with one of its own.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "kms/base/secret.h"
#include "kms/crypto/gcm.h"

namespace enfold {

// Thread-safe.
class ContentCipher {
 public:
  explicit ContentCipher(ContentKey key) : key_(std::move(key)) {}

  // Exclusive use of a context until the lease goes.
  class Lease {
   public:
    Lease(ContentCipher& owner, std::unique_ptr<Gcm> gcm) : owner_(&owner), gcm_(std::move(gcm)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (gcm_) owner_->give_back(std::move(gcm_));
    }
    Gcm& operator*() { return *gcm_; }

   private:
    ContentCipher* owner_;
    std::unique_ptr<Gcm> gcm_;
  };

  Lease lease();

 private:
  void give_back(std::unique_ptr<Gcm> gcm);

  ContentKey key_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Gcm>> idle_;
};

}  // namespace enfold
