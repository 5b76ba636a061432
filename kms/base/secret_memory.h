// Memory for key material: locked (mlock), left out of core dumps (MADV_DONTDUMP), wiped before it is reused.
// Locking is best effort: beyond RLIMIT_MEMLOCK memory is still kept out of dumps and wiped, and
// secret_memory_is_locked() says so. Thread-safe.
#pragma once

#include <cstddef>

namespace enfold {

// A block of kMaxSecretBytes. Never returns null: running out of memory ends the process.
inline constexpr std::size_t kMaxSecretBytes = 64;
void* allocate_secret() noexcept;
void free_secret(void* pointer) noexcept;  // wipes; null is allowed

// False once any page could not be locked.
bool secret_memory_is_locked() noexcept;

// Turns core dumps off for this process (PR_SET_DUMPABLE, RLIMIT_CORE). Call first thing in main().
void forbid_core_dumps() noexcept;

}  // namespace enfold
