#include <fcntl.h>

#include <cerrno>

#include "fs/mount/channel.h"
#include "fs/mount/operations.h"

namespace enfold::ops {
namespace {

FileHandle& file(const fuse_file_info* info) { return HandleTable<FileHandle>::at(info->fh); }

void remember(fuse_req_t request, std::unique_ptr<FileHandle> handle, fuse_file_info* info) {
  info->fh = mounted(request).files.add(std::move(handle));
  info->keep_cache = 1;  // pages from before are as true as those read from now on
}

}  // namespace

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  auto created = tree(request).create(parent, name, mode, caller(request));
  if (!created) return answer_error(request, "create", parent, created.error());
  Mounted& state = mounted(request);
  remember(request, std::move(created->handle), info);
  fuse_entry_param entry = entry_param(created->entry);
  if (fuse_reply_create(request, &entry, info) != -ENOENT) return;
  state.files.take(info->fh);
  state.tree.forget(created->entry.inode, 1);
}

void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  if (request_drops_set_id_bits() && !drop_set_id_bits(request, "open", inode)) return;
  auto opened = tree(request).open_file(inode, info->flags);
  if (!opened) return answer_error(request, "open", inode, opened.error());
  Mounted& state = mounted(request);
  remember(request, std::move(*opened), info);
  if (fuse_reply_open(request, info) == -ENOENT) state.files.take(info->fh);
}

void read(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info) {
  MutableByteSpan buffer = thread_buffer(size);
  auto got = file(info).read(static_cast<std::uint64_t>(offset), buffer);
  if (!got) return answer_error(request, "read", inode, got.error());
  fuse_reply_buf(request, reinterpret_cast<const char*>(buffer.data()), *got);
}

void write(fuse_req_t request, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
           fuse_file_info* info) {
  if (request_drops_set_id_bits() && !drop_set_id_bits(request, "write", inode)) return;
  auto written = file(info).write(static_cast<std::uint64_t>(offset), as_bytes({data, size}));
  if (!written) return answer_error(request, "write", inode, written.error());
  fuse_reply_write(request, size);
}

void flush(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  answer(request, "flush", inode, file(info).flush());
}

void release(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  std::unique_ptr<FileHandle> handle = mounted(request).files.take(info->fh);
  answer(request, "release", inode, handle ? handle->release() : Result<void>{});
}

void fsync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* info) {
  answer(request, "fsync", inode, file(info).sync(data_only != 0));
}

}  // namespace enfold::ops
