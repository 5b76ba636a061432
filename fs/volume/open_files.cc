#include "fs/volume/open_files.h"

#include <cerrno>
#include <mutex>

#include "fs/volume/file_body.h"
#include "fs/volume/lower_files.h"
#include "fs/volume/settling.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr mode_t kOwnerReadWrite = S_IRUSR | S_IWUSR;

Result<void> require_regular(const Inode& inode) {
  if (inode.is_regular()) return {};
  if (inode.is_directory()) return system_error(EISDIR, "open");
  return system_error(inode.lower.type == S_IFLNK ? ELOOP : ENXIO, "open");
}

bool is_read_only_below(const Error& error) {
  return has_errno(error, EACCES) || has_errno(error, EPERM) || has_errno(error, EROFS) ||
         has_errno(error, ETXTBSY);
}

// Whatever the reason, also one that would be final for a file that nobody knows to be wrong: while the
// length below is wrong the recovery is not over.
std::unexpected<Error> not_written(const Error& why) {
  return make_error(Errc::kBusy,
                    "its length was found after a crash, and cannot be written: " + describe(why));
}

// For stat while nothing has the file open.
void remember_length(Inode& inode, const FileBody& body, const VolumeContext& context) {
  if (body.unsettled() || context.unsealed.contains(body.file_id()))
    inode.set_settled({context.read_only, body.length()});
  else
    inode.set_settled({true, std::nullopt});
}

}  // namespace

Result<std::unique_ptr<FileHandle>> OpenFiles::open(const InodePtr& inode, Access access) {
  ENFOLD_TRY(require_regular(*inode));
  const std::lock_guard opening(inode->opening);
  std::shared_ptr<FileBody> body = inode->body();
  if (!body) {
    auto opened = open_body(inode, access.writes);
    if (!opened && opened.error().code == Errc::kDamaged)
      return add_context(std::move(opened).error(), "lower file " + places_.lower_path(inode));
    if (!opened) return std::unexpected(std::move(opened).error());
    body = std::move(*opened);
  } else if (access.writes && !body->writable()) {
    ENFOLD_TRY_ASSIGN(Fd lower, places_.open_content(inode, O_RDWR, kOwnerReadWrite));
    body->adopt_writable(std::move(lower));
  }
  return admit(inode, std::move(body), access);
}

Result<void> OpenFiles::settle(const InodePtr& inode) {
  const bool may_be_wrong = context_.epochs.recovering() || !context_.unsealed.empty();
  if (!may_be_wrong || !inode->is_regular() || inode->settled().done) return {};
  const std::lock_guard opening(inode->opening);
  if (const auto body = inode->body()) return settle_open(inode, *body);
  ENFOLD_TRY_ASSIGN(const bool whole, looks_whole(inode));
  if (whole) {
    inode->set_settled({true, std::nullopt});
    return {};
  }
  auto body = open_body(inode, !context_.read_only);
  if (!body && is_read_only_below(body.error())) body = open_body(inode, false);
  if (!body) return std::unexpected(std::move(body).error());
  if (context_.read_only || !(*body)->unsettled()) return {};
  return not_written((*body)->settling_error().value_or(Error{Errc::kSystem, EACCES, "open for writing"}));
}

// Its length was found when it was opened, and could not be written below then.
Result<void> OpenFiles::settle_open(const InodePtr& inode, FileBody& body) {
  if (context_.read_only || !body.unsettled()) return {};
  if (!body.writable()) {
    auto lower = places_.open_content(inode, O_RDWR, kOwnerReadWrite);
    if (!lower) return not_written(lower.error());
    body.adopt_writable(std::move(*lower));
  }
  const std::lock_guard sealing(inode->sealing);
  auto written = body.settle();
  return written ? written : not_written(written.error());
}

Result<bool> OpenFiles::looks_whole(const InodePtr& inode) {
  ENFOLD_TRY_ASSIGN(const Fd fd, places_.open_content(inode, O_RDONLY, S_IRUSR));
  ENFOLD_TRY_ASSIGN(const StatX lower, context_.files.stat_at(fd.get(), ""));
  HeaderPage page{};
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(context_.files, fd.get(), page, 0));
  if (size < page.size()) return make_error(Errc::kDamaged, "the header page is cut short");
  ENFOLD_TRY_ASSIGN(const Header header, decode_header(page, context_.keys));
  if (context_.unsealed.contains(header.prefix.file)) return false;
  if (header.state.epoch.mount == context_.epochs.mount_number()) return true;
  if (!context_.epochs.recovering()) return true;
  return looks_settled(context_, fd.get(), lower, header.state);
}

std::unique_ptr<FileHandle> OpenFiles::open_created(const InodePtr& inode, std::shared_ptr<FileBody> body) {
  inode->set_owner_id(body->file_id());
  inode->set_settled({true, std::nullopt});  // it is this mount's
  return admit(inode, std::move(body), {.writes = true, .maps = true});
}

Result<std::shared_ptr<FileBody>> OpenFiles::open_body(const InodePtr& inode, bool writes) {
  bool writable = true;
  ENFOLD_TRY_ASSIGN(Fd lower, writes ? places_.open_content(inode, O_RDWR, kOwnerReadWrite)
                                     : open_for_reading(inode, writable));
  ENFOLD_TRY_ASSIGN(auto body, FileBody::open(context_, std::move(lower), writable));
  const auto owner = inode->owner_id();
  if (owner && *owner != body->file_id()) return system_error(ESTALE, "the lower file was exchanged");
  inode->set_owner_id(body->file_id());
  remember_length(*inode, *body, context_);
  return body;
}

// Open for writing where that can be had, so that a writer who comes later finds it so.
Result<Fd> OpenFiles::open_for_reading(const InodePtr& inode, bool& writable) {
  writable = !context_.read_only;
  if (writable) {
    auto lower = places_.open_content(inode, O_RDWR, 0);
    if (lower || !is_read_only_below(lower.error())) return lower;
    writable = false;
  }
  return places_.open_content(inode, O_RDONLY, S_IRUSR);
}

std::unique_ptr<FileHandle> OpenFiles::admit(const InodePtr& inode, std::shared_ptr<FileBody> body,
                                             Access access) {
  inode->set_body(body);
  ++inode->handles;
  table_.pin(*inode);
  if (access.writes) body->add_writer();
  if (access.maps) body->add_mapper();
  return std::make_unique<FileHandle>(*this, inode, std::move(body), access);
}

void OpenFiles::was_read(FileBody& body, const Access& access) {
  if (!context_.read_only && !access.keeps_access_time) body.touch();
}

bool OpenFiles::note_cached_reads(FileBody& body, const Access& access) {
  return !context_.read_only && !access.keeps_access_time && body.touch();
}

Result<void> OpenFiles::sync(const InodePtr& inode, FileBody& body, bool data_only) {
  const Unsynced::Mark mark = unsynced_.mark();
  ENFOLD_TRY(body.sync(data_only));
  return durable_first_.file(inode, mark);
}

Result<void> OpenFiles::flush(Inode& inode, FileBody& body) {
  const std::lock_guard sealing(inode.sealing);
  return body.seal(1);
}

Result<void> OpenFiles::release(const InodePtr& inode, std::shared_ptr<FileBody> body, Access access) {
  Result<void> sealed;
  {
    const std::lock_guard opening(inode->opening);
    if (access.maps) body->drop_mapper();
    if (access.writes) {
      body->drop_writer();
      const std::lock_guard sealing(inode->sealing);
      sealed = body->seal(0);
    }
    if (--inode->handles == 0) {
      remember_length(*inode, *body, context_);
      inode->set_body(nullptr);
    }
    body.reset();  // before the next open makes another of the same lower file
  }
  places_.unpin(inode);
  return sealed;
}

FileHandle::FileHandle(OpenFiles& owner, std::shared_ptr<Inode> inode, std::shared_ptr<FileBody> body,
                       Access access)
    : owner_(owner), inode_(std::move(inode)), body_(std::move(body)), access_(access) {}

FileHandle::~FileHandle() {
  if (auto released = release(); !released)
    log_error("closing inode " + std::to_string(inode_->number) + ": " + describe(released.error()));
}

Result<std::size_t> FileHandle::read(std::uint64_t offset, MutableByteSpan out) {
  auto done = body_->read(offset, out);
  if (done) {
    was_read_.store(true, std::memory_order_relaxed);
    owner_.was_read(*body_, access_);
  }
  return done;
}

Result<void> FileHandle::write(std::uint64_t offset, ByteSpan in) {
  if (!access_.writes) return system_error(EBADF, "write");
  return body_->write(offset, in);
}

Result<void> FileHandle::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  if (!access_.writes) return system_error(EBADF, "fallocate");
  return body_->allocate(mode, offset, length);
}

Result<std::uint64_t> FileHandle::seek(std::uint64_t offset, int whence) {
  return body_->seek(offset, whence);
}

Result<void> FileHandle::sync(bool data_only) { return owner_.sync(inode_, *body_, data_only); }

Result<void> FileHandle::flush() {
  if (!access_.writes) return {};
  return owner_.flush(*inode_, *body_);
}

bool FileHandle::note_cached_reads() {
  if (access_.writes || was_read_.exchange(true)) return false;
  return owner_.note_cached_reads(*body_, access_);
}

Result<void> FileHandle::release() {
  if (!body_) return {};
  return owner_.release(inode_, std::move(body_), access_);
}

}  // namespace enfold
