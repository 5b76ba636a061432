// The FUSE device with what libfuse 3.14 leaves out of the protocol (linux/fuse.h):
// - FUSE_PARALLEL_DIROPS: it has a capability for it and never sends it, so that the kernel would look up one
//   name at a time in a directory.
// - FUSE_HANDLE_KILLPRIV_V2: without it the kernel asks for the xattr security.capability before each
//   write(2). With it, dropping the set-user-id and set-group-id bits is ours, where a request says so; file
//   capabilities are dropped by the lower filesystem, as by any write.
// - FUSE_SETXATTR_EXT: without it the kernel cannot say that who sets an ACL may not keep the set-group-id
// bit.
//   libfuse does not know the longer request: it gets the shorter one.
#pragma once

#include "fs/mount/requests.h"

namespace enfold {

// For fuse_session_custom_io(). Every request must be answered by the thread that read it.
fuse_custom_io channel_io();

// Whether the WRITE that this thread serves comes from someone who may not keep set-id bits.
bool request_drops_set_id_bits();

// Whether the SETXATTR of an ACL that this thread serves comes from someone who may not keep the set-group-id
// bit (acl(5) and chmod(2) say who).
bool request_drops_set_group_id();

}  // namespace enfold
