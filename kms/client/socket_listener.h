// Who listens on a Unix socket. Whoever does is given the keys that are to be wrapped, so a place where
// anybody can put a socket of that name will not do.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "kms/base/error.h"
#include "kms/base/files.h"

namespace enfold {

// One name on the way to a socket, a symlink's too.
struct PathStep {
  std::string directory;  // that it is in
  mode_t directory_mode;
  uid_t owner;  // of what it names
};

// The way that was gone, and what is at its end (O_PATH): whatever the names are given to afterwards, it is
// this one.
struct SocketPlace {
  Fd socket;
  std::vector<PathStep> steps;
};

// `path` is absolute. kSystem where it leads nowhere.
Result<SocketPlace> find_socket(const std::string& path);

// Of a connection to what is at the end of `steps`: who listens is root, this process's user, or a user whom
// root or this one gave the place. kKmsUnavailable else, naming the directory. Who listens is who called
// listen(2) (SO_PEERCRED, unix(7)): under socket activation root.
Result<void> require_trusted_listener(int connection, std::span<const PathStep> steps);

// The rule behind it: the first step of which somebody else than root, `listener` and `self` can have made
// the name, or where everybody can and `listener` did; null where there is none. What a directory's group or
// ACL may do is its owner's choice.
const PathStep* find_open_step(std::span<const PathStep> steps, uid_t listener, uid_t self);

}  // namespace enfold
