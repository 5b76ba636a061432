#include "fs/mount/requests.h"

#include <cerrno>

namespace enfold {
namespace {

mode_t without_set_id_bits(mode_t mode) {
  if (S_ISDIR(mode)) return mode;  // there they mean something else
  mode_t dropped = S_ISUID;
  if ((mode & S_IXGRP) != 0) dropped |= S_ISGID;
  return mode & ~dropped;
}

// Whether there were any.
Result<bool> drop_in(Volume& volume, fuse_ino_t inode) {
  ENFOLD_TRY_ASSIGN(struct stat status, volume.attributes(inode));
  mode_t mode = without_set_id_bits(status.st_mode);
  if (mode == status.st_mode) return false;
  AttributeChanges changes;
  changes.mode = mode;
  ENFOLD_TRY(volume.set_attributes(inode, changes));
  return true;
}

}  // namespace

fuse_entry_param entry_param(const Entry& entry) {
  fuse_entry_param out{};
  out.ino = entry.inode;
  out.attr = entry.attributes;
  out.attr_timeout = kForever_s;
  out.entry_timeout = kForever_s;
  return out;
}

void answer_error(fuse_req_t request, std::string_view operation, fuse_ino_t inode, const Error& error) {
  mounted(request).errors.report(operation, inode, error);
  fuse_reply_err(request, errno_of(error));
}

void answer(fuse_req_t request, std::string_view operation, fuse_ino_t inode, const Result<void>& result) {
  if (!result) return answer_error(request, operation, inode, result.error());
  fuse_reply_err(request, 0);
}

void answer(fuse_req_t request, std::string_view operation, fuse_ino_t inode,
            const Result<struct stat>& result) {
  if (!result) return answer_error(request, operation, inode, result.error());
  fuse_reply_attr(request, &*result, kForever_s);
}

void answer(fuse_req_t request, std::string_view operation, fuse_ino_t parent, const Result<Entry>& result) {
  if (!result) return answer_error(request, operation, parent, result.error());
  Volume& volume = tree(request);
  fuse_entry_param entry = entry_param(*result);
  // ENOENT: the request is gone, so the kernel never counts this lookup.
  if (fuse_reply_entry(request, &entry) == -ENOENT) volume.forget(result->inode, 1);
}

bool drop_set_id_bits(fuse_req_t request, std::string_view operation, fuse_ino_t inode) {
  auto dropped = drop_in(tree(request), inode);
  if (!dropped) answer_error(request, operation, inode, dropped.error());
  // After a write the kernel forgets times and size, and not the mode, by which it runs programs.
  if (dropped && *dropped) fuse_lowlevel_notify_inval_inode(mounted(request).session, inode, -1, 0);
  return dropped.has_value();
}

MutableByteSpan thread_buffer(std::size_t size) {
  static thread_local Bytes buffer;
  if (buffer.size() < size) buffer.resize(size);
  return MutableByteSpan(buffer).first(size);
}

}  // namespace enfold
