// What the FUSE callbacks share: the state behind a session and the ways to answer a request. The only header
// of ours that includes libfuse's.
#pragma once

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 14)
#include <fuse_lowlevel.h>

#include <atomic>
#include <string_view>

#include "fs/mount/error_log.h"
#include "fs/mount/handle_table.h"
#include "fs/volume/volume.h"

namespace enfold {

// A session's user data. Thread-safe as its members are.
struct Mounted {
  Mounted(Volume& volume, Clock& clock) : tree(volume), errors(clock) {}

  Volume& tree;
  ErrorLog errors;
  HandleTable<FileHandle> files;
  HandleTable<DirectoryHandle> directories;
  fuse_session* session = nullptr;  // set before the first request

  // The kernel has begun to send requests.
  std::atomic<bool> begun = false;
};

// The mount is the only writer below, so what the kernel was told stays true until the kernel changes it.
inline constexpr double kForever_s = 1e9;

inline Mounted& mounted(fuse_req_t request) { return *static_cast<Mounted*>(fuse_req_userdata(request)); }
inline Volume& tree(fuse_req_t request) { return mounted(request).tree; }
inline Caller caller(fuse_req_t request) {
  const fuse_ctx* context = fuse_req_ctx(request);
  return {context->uid, context->gid, context->umask};
}

fuse_entry_param entry_param(const Entry& entry);

// Each answers the request, and logs an error that is worth it. `operation` names it in the log.
void answer_error(fuse_req_t request, std::string_view operation, fuse_ino_t inode, const Error& error);
void answer(fuse_req_t request, std::string_view operation, fuse_ino_t inode, const Result<void>& result);
void answer(fuse_req_t request, std::string_view operation, fuse_ino_t inode,
            const Result<struct stat>& result);
void answer(fuse_req_t request, std::string_view operation, fuse_ino_t parent, const Result<Entry>& result);

// Takes the set-user-id bit and, of what a group may execute, the set-group-id bit away, as the kernel does
// before an unprivileged write. False after answering the request with an error.
bool drop_set_id_bits(fuse_req_t request, std::string_view operation, fuse_ino_t inode);

// Memory of this thread, reused from request to request; at least `size` bytes.
MutableByteSpan thread_buffer(std::size_t size);

}  // namespace enfold
