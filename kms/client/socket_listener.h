// Who listens on a Unix socket. Whoever does is given the keys that are to be wrapped, so a place where
// anybody can put a socket of that name will not do.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "kms/base/error.h"

namespace enfold {

// Of a connected socket: who listens is root, this process's user, or a user whom root or this one gave the
// place of the socket. kKmsUnavailable else, naming the directory. Who listens is who called listen(2)
// (SO_PEERCRED, unix(7)): under socket activation root.
Result<void> require_trusted_listener(int socket, const std::string& path);

struct PathStep {
  std::string path;
  uid_t owner;
  mode_t mode;
};

// The rule behind it. `steps` lead from / to the socket, without symlinks. The first directory in which
// somebody else than root, `listener` and `self` can have put the step after it, or in which everybody can
// and `listener` did; null where there is none. What a directory's group or ACL may do is its owner's choice.
const PathStep* find_open_directory(std::span<const PathStep> steps, uid_t listener, uid_t self);

}  // namespace enfold
