// Files and directories that are there whole after a crash, or not at all.
#pragma once

#include <string>

#include "kms/base/entropy.h"
#include "kms/base/files.h"

namespace enfold {

// The directory that a path's last part is in: "." for "a", "/" for "/a/".
std::string parent_of(std::string path);

// Makes the name durable that the path's last part has in its directory.
Result<void> sync_parent(Files& files, int dir, const std::string& path);

// Makes the directory and its missing parents, each 0700 and durable (but in a parent that may be written
// and not read). What is there already stays as it is.
Result<void> make_directories(Files& files, const std::string& path);

// A file that is not there yet: written under a random name beside it, synced, moved. kExists where something
// has the name, also when it appeared meanwhile; no other file is touched. For a directory of the user's.
Result<void> create_file(Files& files, const std::string& path, ByteSpan content, mode_t mode,
                         Entropy& entropy);

// Replaces the file, by way of `path`.new, whatever that was: only in a directory of Enfold's own, and one
// process at a time. After a crash the next call takes the temporary file over.
Result<void> replace_file(Files& files, int dir, const std::string& path, ByteSpan content, mode_t mode);

}  // namespace enfold
