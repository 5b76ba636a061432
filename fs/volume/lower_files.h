// Small files of the lower directory, which anybody may have replaced: nothing but a regular file is ever
// opened.
#pragma once

#include <string>

#include "fs/volume/inode.h"
#include "kms/base/files.h"

namespace enfold {

// reopen() that leaves the access time as it is when the descriptor is read, where that may be asked for: of
// what belongs to us, and as root.
Result<Fd> reopen_quietly(Files& files, int fd, int flags);

[[nodiscard]] bool has_errno(const Error& error, int errno_value);

// Opens `name` in `dir` once it is known to be a regular file. kDamaged for anything else; the lower errors
// as they are. `flags` of open(2): no creation.
Result<Fd> open_regular(Files& files, int dir, const std::string& name, int flags);

// The whole of a regular file of at most `limit` bytes. kDamaged for a larger one.
Result<Bytes> read_regular(Files& files, int dir, const std::string& name, std::size_t limit);

}  // namespace enfold
