#include <algorithm>
#include <cerrno>
#include <string>

#include "fs/mount/operations.h"

namespace enfold::ops {
namespace {

// d_ino of "..", which the volume does not say and nothing relies on (libfuse's own value for it).
constexpr ino_t kUnknownInode = 0xffffffff;

// Positions as the kernel keeps them; those of entries are the volume's.
constexpr std::uint64_t kSelf = 1;
constexpr std::uint64_t kParent = 2;
static_assert(kParent < kFirstPosition);

DirectoryHandle& directory(const fuse_file_info* info) { return HandleTable<DirectoryHandle>::at(info->fh); }

// Fills one answer with entries until the next one does not fit.
class ListingReply {
 public:
  ListingReply(fuse_req_t request, fuse_ino_t inode, DirectoryHandle& handle, std::size_t size, bool plus)
      : request_(request), inode_(inode), handle_(handle), buffer_(thread_buffer(size)), plus_(plus) {}

  bool add_dot(const char* name, ino_t number, std::uint64_t position) {
    struct stat attributes {};
    attributes.st_ino = number;
    attributes.st_mode = S_IFDIR;
    return put(name, {.inode = 0, .attributes = attributes}, position);
  }

  bool add(const DirectoryEntry& entry) {
    if (size_of(entry.name.c_str()) > buffer_.size() - used_) return false;  // before its lookup is counted
    return put(entry.name.c_str(), described(entry), entry.position);
  }

  void send() { fuse_reply_buf(request_, data(), used_); }

 private:
  [[nodiscard]] char* data() const { return reinterpret_cast<char*>(buffer_.data()); }

  // Without a lookup (inode 0) the kernel only learns name, number and type. That is also what a damaged
  // entry gets: it is listed, and whoever looks at it hears what is wrong.
  [[nodiscard]] Entry described(const DirectoryEntry& entry) const {
    if (plus_) {
      if (auto found = tree(request_).lookup_listed(inode_, entry)) return *found;
    }
    struct stat attributes {};
    attributes.st_ino = entry.number;
    attributes.st_mode = entry.type != 0 ? entry.type : handle_.type_of(entry).value_or(0);
    return {.inode = 0, .attributes = attributes};
  }

  [[nodiscard]] std::size_t size_of(const char* name) const {
    return plus_ ? fuse_add_direntry_plus(request_, nullptr, 0, name, nullptr, 0)
                 : fuse_add_direntry(request_, nullptr, 0, name, nullptr, 0);
  }

  bool put(const char* name, const Entry& entry, std::uint64_t position) {
    std::size_t room = buffer_.size() - used_;
    auto offset = static_cast<off_t>(position);
    fuse_entry_param with_entry = entry_param(entry);
    std::size_t size =
        plus_ ? fuse_add_direntry_plus(request_, data() + used_, room, name, &with_entry, offset)
              : fuse_add_direntry(request_, data() + used_, room, name, &entry.attributes, offset);
    if (size > room) return false;
    used_ += size;
    return true;
  }

  fuse_req_t request_;
  fuse_ino_t inode_;
  DirectoryHandle& handle_;
  MutableByteSpan buffer_;
  bool plus_;
  std::size_t used_ = 0;
};

bool add_dots(fuse_req_t request, fuse_ino_t inode, std::uint64_t position, ListingReply& reply) {
  if (position < kSelf) {
    auto self = tree(request).attributes(inode);
    ino_t number = self ? self->st_ino : kUnknownInode;
    if (!reply.add_dot(".", number, kSelf)) return false;
  }
  return position >= kParent || reply.add_dot("..", kUnknownInode, kParent);
}

void list(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info,
          bool plus) {
  auto position = static_cast<std::uint64_t>(offset);
  auto entries = directory(info).entries(position == 0);
  if (!entries) return answer_error(request, "readdir", inode, entries.error());
  ListingReply reply(request, inode, directory(info), size, plus);
  bool room = add_dots(request, inode, position, reply);
  auto entry = std::ranges::upper_bound(**entries, position, {}, &DirectoryEntry::position);
  for (; room && entry != (*entries)->end(); ++entry) room = reply.add(*entry);
  reply.send();
}

}  // namespace

void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  auto opened = tree(request).open_directory(inode);
  if (!opened) return answer_error(request, "opendir", inode, opened.error());
  Mounted& state = mounted(request);
  // Not cache_readdir: while the kernel fills its cache of a listing, every answer must show the directory as
  // it is by then. Ours come from a listing taken at the start, so that one who reads slowly would put back
  // what others have removed. (It was worth 3 % of a walk over 20,000 files.)
  info->fh = state.directories.add(std::move(*opened));
  if (fuse_reply_open(request, info) == -ENOENT) state.directories.take(info->fh);
}

void readdir(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info) {
  list(request, inode, size, offset, info, false);
}

void readdirplus(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info) {
  list(request, inode, size, offset, info, true);
}

void releasedir(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* info) {
  mounted(request).directories.take(info->fh);
  fuse_reply_err(request, 0);
}

void fsyncdir(fuse_req_t request, fuse_ino_t inode, int /*data_only*/, fuse_file_info* info) {
  answer(request, "fsyncdir", inode, directory(info).sync());
}

}  // namespace enfold::ops
