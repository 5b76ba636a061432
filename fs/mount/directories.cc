#include <cerrno>
#include <string>

#include "fs/mount/operations.h"

namespace enfold::ops {
namespace {

// d_ino of "..", which the volume does not say and nothing relies on (libfuse's own value for it).
constexpr ino_t kUnknownInode = 0xffffffff;

DirectoryStream& directory(const fuse_file_info* info) { return HandleTable<DirectoryStream>::at(info->fh); }

// Fills one answer with entries until the next one does not fit.
class ListingReply {
 public:
  ListingReply(fuse_req_t request, fuse_ino_t directory, std::size_t size, bool plus)
      : request_(request), directory_(directory), buffer_(thread_buffer(size)), plus_(plus) {}

  bool add_dot(const char* name, ino_t number, std::uint64_t position) {
    struct stat attributes {};
    attributes.st_ino = number;
    attributes.st_mode = S_IFDIR;
    return put(name, {.inode = 0, .attributes = attributes}, position);
  }

  bool add(const DirectoryStream::Item& item) {
    if (size_of(item.entry->name.c_str()) > buffer_.size() - used_) return false;
    return put(item.entry->name.c_str(), described(*item.entry), item.position);
  }

  void send() { fuse_reply_buf(request_, data(), used_); }

 private:
  [[nodiscard]] char* data() const { return reinterpret_cast<char*>(buffer_.data()); }

  // Without a lookup (inode 0) the kernel only learns name, number and type. That is also what a damaged
  // entry gets: it is listed, and whoever looks at it hears what is wrong.
  [[nodiscard]] Entry described(const DirectoryEntry& entry) const {
    if (plus_) {
      if (auto found = tree(request_).lookup(directory_, entry.name)) return *found;
    }
    struct stat attributes {};
    attributes.st_ino = entry.number;
    attributes.st_mode = entry.type;
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
  fuse_ino_t directory_;
  MutableByteSpan buffer_;
  bool plus_;
  std::size_t used_ = 0;
};

bool add_dots(fuse_req_t request, fuse_ino_t inode, std::uint64_t position, ListingReply& reply) {
  if (position < DirectoryStream::kSelfPosition) {
    auto self = tree(request).attributes(inode);
    ino_t number = self ? self->st_ino : kUnknownInode;
    if (!reply.add_dot(".", number, DirectoryStream::kSelfPosition)) return false;
  }
  return position >= DirectoryStream::kParentPosition ||
         reply.add_dot("..", kUnknownInode, DirectoryStream::kParentPosition);
}

void list(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info,
          bool plus) {
  auto position = static_cast<std::uint64_t>(offset);
  auto items = directory(info).after(position);
  if (!items) return answer_error(request, "readdir", inode, items.error());
  ListingReply reply(request, inode, size, plus);
  bool room = add_dots(request, inode, position, reply);
  for (auto item = items->begin(); room && item != items->end(); ++item) room = reply.add(*item);
  reply.send();
}

}  // namespace

void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  auto opened = tree(request).open_directory(inode);
  if (!opened) return answer_error(request, "opendir", inode, opened.error());
  Mounted& state = mounted(request);
  info->fh = state.directories.add(std::make_unique<DirectoryStream>(std::move(*opened)));
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
  answer(request, "fsyncdir", inode, directory(info).handle().sync());
}

}  // namespace enfold::ops
