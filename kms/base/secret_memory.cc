#include "kms/base/secret_memory.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace enfold {
namespace {

struct FreeBlock {
  FreeBlock* next;
};

// Hands out blocks of kMaxSecretBytes from 64 KiB regions that are never unmapped.
class SecretPool {
 public:
  void* allocate() noexcept {
    std::lock_guard lock(mutex_);
    if (free_ == nullptr) grow();
    FreeBlock* block = free_;
    free_ = block->next;
    std::memset(block, 0, kMaxSecretBytes);
    return block;
  }

  void release(void* pointer) noexcept {
    explicit_bzero(pointer, kMaxSecretBytes);
    std::lock_guard lock(mutex_);
    auto* block = static_cast<FreeBlock*>(pointer);
    block->next = free_;
    free_ = block;
  }

  [[nodiscard]] bool locked() const noexcept { return locked_; }

 private:
  static constexpr std::size_t kRegionBytes = 64 * 1024;

  void grow() noexcept {
    void* region = mmap(nullptr, kRegionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) std::abort();
    if (mlock(region, kRegionBytes) != 0) locked_ = false;
    madvise(region, kRegionBytes, MADV_DONTDUMP);
    auto* bytes = static_cast<std::uint8_t*>(region);
    for (std::size_t at = 0; at < kRegionBytes; at += kMaxSecretBytes) {
      auto* block = reinterpret_cast<FreeBlock*>(bytes + at);
      block->next = free_;
      free_ = block;
    }
  }

  std::mutex mutex_;
  FreeBlock* free_ = nullptr;
  std::atomic<bool> locked_ = true;
};

// Never destroyed: secrets in static objects may outlive every other static.
SecretPool& pool() noexcept {
  static auto* instance = new SecretPool;
  return *instance;
}

}  // namespace

void* allocate_secret() noexcept { return pool().allocate(); }

void free_secret(void* pointer) noexcept {
  if (pointer != nullptr) pool().release(pointer);
}

bool secret_memory_is_locked() noexcept { return pool().locked(); }

void forbid_core_dumps() noexcept {
  prctl(PR_SET_DUMPABLE, 0);
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace enfold
