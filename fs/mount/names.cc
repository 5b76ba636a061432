#include <cerrno>

#include "fs/mount/operations.h"

namespace enfold::ops {

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  auto found = tree(request).lookup(parent, name);
  if (found || errno_of(found.error()) != ENOENT) return answer(request, "lookup", parent, found);
  // Inode 0: the kernel remembers that there is no such name.
  fuse_entry_param nothing{};
  nothing.entry_timeout = kForever_s;
  fuse_reply_entry(request, &nothing);
}

void forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t lookups) {
  tree(request).forget(inode, lookups);
  fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  for (const fuse_forget_data& one : std::span(forgets, count)) tree(request).forget(one.ino, one.nlookup);
  fuse_reply_none(request);
}

void readlink(fuse_req_t request, fuse_ino_t inode) {
  auto target = tree(request).read_link(inode);
  if (!target) return answer_error(request, "readlink", inode, target.error());
  fuse_reply_readlink(request, target->c_str());
}

void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  answer(request, "mknod", parent, tree(request).make_node(parent, name, mode, device, caller(request)));
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  answer(request, "mkdir", parent, tree(request).make_directory(parent, name, mode, caller(request)));
}

void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  answer(request, "symlink", parent, tree(request).make_symlink(parent, name, target, caller(request)));
}

void link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t new_parent, const char* new_name) {
  answer(request, "link", inode, tree(request).link(inode, new_parent, new_name));
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, "unlink", parent, tree(request).unlink(parent, name));
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, "rmdir", parent, tree(request).remove_directory(parent, name));
}

void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  answer(request, "rename", parent, tree(request).rename(parent, name, new_parent, new_name, flags));
}

}  // namespace enfold::ops
