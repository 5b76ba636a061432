// Open files and their content.
#include <cerrno>
#include <limits>

#include "tests/conformance/model.h"

namespace enfold {
namespace {

bool reads(int flags) { return (flags & O_ACCMODE) != O_WRONLY; }
bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

}  // namespace

Result<Model::OpenFile> Model::opened(Slot slot) {
  const auto found = open_.find(slot);
  if (found == open_.end()) return system_error(EBADF, "slot");
  return found->second;
}

Result<void> Model::open(Slot slot, const std::string& path, int flags, mode_t mode) {
  const bool creates = (flags & O_CREAT) != 0;
  const bool exclusive = creates && (flags & O_EXCL) != 0;
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path, !exclusive && (flags & O_NOFOLLOW) == 0));
  if (!at.found && !creates) return system_error(ENOENT, "open");
  if (at.found && exclusive) return system_error(EEXIST, "open");
  const bool is_new = !at.found;
  const ModelNodePtr node = is_new ? make(at, S_IFREG | (mode & 07777)) : *at.found;
  if (S_ISLNK(node->mode)) return system_error(ELOOP, "open");
  if (S_ISDIR(node->mode) && (writes(flags) || creates)) return system_error(EISDIR, "open");
  if (!S_ISDIR(node->mode) && (flags & O_DIRECTORY) != 0) return system_error(ENOTDIR, "open");
  if (!is_new && S_ISREG(node->mode) && (flags & O_TRUNC) != 0) {
    node->content.resize(0);
    touch_content(*node);
  }
  open_[slot] = {node, flags};
  return {};
}

Result<void> Model::close(Slot slot) {
  return open_.erase(slot) == 1 ? Result<void>{} : system_error(EBADF, "close");
}

void Model::touch_content(ModelNode& node) { node.modified = node.changed = now(); }

Result<std::string> Model::read(Slot slot, std::uint64_t offset, std::size_t size) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  if (!reads(file.flags)) return system_error(EBADF, "read");
  if (S_ISDIR(file.node->mode)) return system_error(EISDIR, "read");
  return file.node->content.read(offset, size);
}

Result<void> Model::write(Slot slot, std::uint64_t offset, std::string_view data) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  if (!writes(file.flags)) return system_error(EBADF, "write");
  if (data.empty()) return {};
  file.node->content.write((file.flags & O_APPEND) != 0 ? file.node->content.size() : offset, data);
  touch_content(*file.node);
  return {};
}

Result<void> Model::allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  const bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  const int what = mode & ~FALLOC_FL_KEEP_SIZE;
  if (length == 0) return system_error(EINVAL, "fallocate");
  if (what != 0 && what != FALLOC_FL_ZERO_RANGE && !(what == FALLOC_FL_PUNCH_HOLE && keeps_size))
    return system_error(EOPNOTSUPP, "fallocate");
  if (!writes(file.flags)) return system_error(EBADF, "fallocate");
  SparseBytes& content = file.node->content;
  if (what != 0) content.punch(offset, length);
  if (!keeps_size && offset + length > content.size()) content.resize(offset + length);
  touch_content(*file.node);
  return {};
}

Result<std::uint64_t> Model::seek(Slot slot, std::uint64_t offset, int whence) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  const SparseBytes& content = file.node->content;
  if (offset >= content.size()) return system_error(ENXIO, "lseek");
  const std::uint64_t at = whence == SEEK_DATA ? content.next_data(offset) : content.next_hole(offset);
  if (whence == SEEK_DATA && at == content.size()) return system_error(ENXIO, "lseek");
  return at;
}

Result<void> Model::sync(Slot slot) {
  ENFOLD_TRY(opened(slot));
  return {};
}

Result<void> Model::copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                         std::size_t size) {
  ENFOLD_TRY_ASSIGN(const OpenFile target, opened(to));
  if ((target.flags & O_APPEND) != 0 || !writes(target.flags)) return system_error(EBADF, "copy");
  ENFOLD_TRY_ASSIGN(const std::string data, read(from, from_offset, size));
  return write(to, to_offset, data);
}

Result<void> Model::resize(ModelNode& node, std::uint64_t length) {
  if (S_ISDIR(node.mode)) return system_error(EISDIR, "truncate");
  if (!S_ISREG(node.mode)) return system_error(EINVAL, "truncate");
  node.content.resize(length);
  touch_content(node);
  return {};
}

Result<void> Model::truncate(const std::string& path, std::uint64_t length) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path, true));
  return resize(*node, length);
}

Result<void> Model::ftruncate(Slot slot, std::uint64_t length) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  if (!writes(file.flags)) return system_error(EINVAL, "ftruncate");
  return resize(*file.node, length);
}

}  // namespace enfold
