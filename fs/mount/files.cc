#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "fs/mount/channel.h"
#include "fs/mount/operations.h"

namespace enfold::ops {
namespace {

// One request of copy_file_range(2) copies no more: who copies a large file wants to be able to stop.
constexpr std::size_t kMaxCopy_bytes = 16 << 20;
constexpr std::size_t kCopyPiece_bytes = 1 << 20;

FileHandle& file(const fuse_file_info* info) { return HandleTable<FileHandle>::at(info->fh); }

// The kernel says in write and open requests who may not keep set-id bits, and in these not. So who is not
// root may not.
bool keeps_set_id_bits(fuse_req_t request, std::string_view operation, fuse_ino_t inode) {
  return caller(request).uid == 0 || drop_set_id_bits(request, operation, inode);
}

// Of a change that failed half-way the kernel knows nothing, and keeps the pages of before. Call it after the
// answer: until then the kernel holds locks.
void forget_pages(fuse_session* session, fuse_ino_t inode, off_t offset, off_t length) {
  fuse_lowlevel_notify_inval_inode(session, inode, offset, length);
}

struct CopyEnd {
  FileHandle& file;
  std::uint64_t offset;
};

// 0 at the end of what is copied.
Result<std::size_t> copy_piece(const CopyEnd& from, const CopyEnd& to, std::size_t done, std::size_t size) {
  const MutableByteSpan piece = thread_buffer(size);
  ENFOLD_TRY_ASSIGN(const std::size_t got, from.file.read(from.offset + done, piece));
  ENFOLD_TRY(to.file.write(to.offset + done, piece.first(got)));
  return got;
}

// Bytes copied, where any were; else the error.
Result<std::size_t> copy(const CopyEnd& from, const CopyEnd& to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    auto copied = copy_piece(from, to, done, std::min(kCopyPiece_bytes, size - done));
    if (!copied && done == 0) return copied;
    if (!copied || *copied == 0) break;
    done += *copied;
  }
  return done;
}

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

void copy_file_range(fuse_req_t request, fuse_ino_t /*inode_in*/, off_t offset_in, fuse_file_info* info_in,
                     fuse_ino_t inode_out, off_t offset_out, fuse_file_info* info_out, std::size_t size,
                     int /*flags*/) {
  if (!keeps_set_id_bits(request, "copy_file_range", inode_out)) return;
  fuse_session* const session = mounted(request).session;
  size = std::min(size, kMaxCopy_bytes);
  auto copied = copy({file(info_in), static_cast<std::uint64_t>(offset_in)},
                     {file(info_out), static_cast<std::uint64_t>(offset_out)}, size);
  if (copied) {
    fuse_reply_write(request, *copied);
  } else {
    answer_error(request, "copy_file_range", inode_out, copied.error());
  }
  const std::size_t done = copied.value_or(0);
  if (done < size)
    forget_pages(session, inode_out, offset_out + static_cast<off_t>(done), static_cast<off_t>(size - done));
}

void fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
               fuse_file_info* info) {
  if (!keeps_set_id_bits(request, "fallocate", inode)) return;
  fuse_session* const session = mounted(request).session;
  auto done =
      file(info).allocate(mode, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length));
  answer(request, "fallocate", inode, done);
  if (!done && (mode & ~FALLOC_FL_KEEP_SIZE) != 0) forget_pages(session, inode, offset, length);
}

void lseek(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence, fuse_file_info* info) {
  auto found = file(info).seek(static_cast<std::uint64_t>(offset), whence);
  if (!found) return answer_error(request, "lseek", inode, found.error());
  fuse_reply_lseek(request, static_cast<off_t>(*found));
}

void flush(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  FileHandle& handle = file(info);
  auto flushed = handle.flush();
  // The kernel, whose cache was read, does not expect that. It forgets the attributes, and no pages.
  if (handle.note_cached_reads()) fuse_lowlevel_notify_inval_inode(mounted(request).session, inode, -1, 0);
  answer(request, "flush", inode, flushed);
}

void release(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  std::unique_ptr<FileHandle> handle = mounted(request).files.take(info->fh);
  answer(request, "release", inode, handle ? handle->release() : Result<void>{});
}

void fsync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* info) {
  answer(request, "fsync", inode, file(info).sync(data_only != 0));
}

}  // namespace enfold::ops
