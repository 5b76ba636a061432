#include "fs/volume/file_body.h"

#include <cerrno>

#include "fs/volume/settling.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::int64_t kLogEveryNs = std::int64_t{60} * 1'000'000'000;

std::string inode_text(std::uint64_t inode) { return "lower inode " + std::to_string(inode); }

std::unexpected<Error> damaged_header(std::uint64_t inode, std::string_view what) {
  return make_error(Errc::kDamaged,
                    inode_text(inode) + ": " + std::string(what) + "; `enfold check` names the file");
}

Result<HeaderPage> read_header(Files& files, int fd, std::uint64_t inode) {
  HeaderPage page{};
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(files, fd, page, 0));
  if (size < page.size()) return damaged_header(inode, "the header page is cut short");
  if (all_zero(page)) return damaged_header(inode, "the header page is all zero");
  return page;
}

Result<Header> verified_header(const HeaderPage& page, const VolumeKeys& keys, const StatX& stat) {
  auto header = decode_header(page, keys);
  if (!header && header.error().code == Errc::kDamaged)
    return damaged_header(stat.stx_ino, header.error().message);
  if (!header) return add_context(std::move(header).error(), inode_text(stat.stx_ino));
  return header;
}

Result<void> require_sealed_size(const Header& header, const StatX& stat) {
  if (plain_length_of(stat.stx_size) == header.state.sealed_length) return {};
  return damaged_header(stat.stx_ino, "file " + header.prefix.file.hex() + " has " +
                                          std::to_string(stat.stx_size) +
                                          " bytes where its sealed length says " +
                                          std::to_string(lower_size_of(header.state.sealed_length)));
}

Error unsure_header(const FileId& file) {
  return {Errc::kSystem, EIO,
          "file " + file.hex() + ": its header could not be written, and may be another one on the device"};
}

// A mount's own records are right, but for those that it could not seal.
bool may_be_crashed(VolumeContext& context, const Header& header) {
  return context.unsealed.contains(header.prefix.file) ||
         (context.epochs.recovering() && header.state.epoch.mount != context.epochs.mount_number());
}

}  // namespace

struct FileBody::Parts {
  FileState::Origin origin;
  Fd lower;
  bool writable = false;
  std::uint64_t lower_inode = 0;
  const HeaderPage& page;
  FileId file;
  StateRecord on_disk;
  WrappedKeys wrapped;
  ContentKeys keys;
};

FileBody::FileBody(VolumeContext& context, Parts parts)
    : context_(context),
      file_(parts.file),
      lower_inode_(parts.lower_inode),
      read_fd_(std::move(parts.lower)),
      write_fd_(parts.writable ? read_fd_.get() : -1),
      length_(parts.on_disk.sealed_length),
      logged_at_ns_(context.clock.monotonic_ns() - kLogEveryNs),
      touched_at_ns_(0),
      keys_(context, std::move(parts.wrapped), std::move(parts.keys)),
      state_(context, prefix_of(parts.page), parts.file, parts.on_disk, parts.origin) {}

FileBody::~FileBody() = default;

Result<FileBody::NewFile> FileBody::prepare(VolumeContext& context) {
  NewFile out{};
  ENFOLD_TRY_ASSIGN(ReadyDataKey data_key, context.file_keys.fetch_for_new_file());
  Prefix prefix;
  prefix.volume = context.keys.volume();
  prefix.file = data_key.file;
  prefix.salt = random_array<32>(context.entropy);
  encode_prefix(prefix, prefix_of(out.page));
  out.file = prefix.file;
  out.made = context.file_keys.make(prefix_of(out.page), std::move(data_key));
  StateRecord state;
  state.clean = false;
  state.epoch = context.epochs.current();
  ENFOLD_TRY(finish_header(out.made.envelope, state, context.keys, prefix.file, out.page));
  return out;
}

Result<std::shared_ptr<FileBody>> FileBody::create(VolumeContext& context, NewFile prepared, Fd lower,
                                                   const DirectoryId& parent) {
  const Epochs::Hold hold = context.epochs.hold();
  StateRecord state;
  state.clean = false;
  state.epoch = context.epochs.current();
  state.sector_writes = WriteBudget::kReserveAhead;
  state.parent = parent;
  encode_state(state, prefix_of(prepared.page), context.keys.state_mac(prepared.file),
               state_of(prepared.page));
  ENFOLD_TRY_ASSIGN(const StatX stat, context.files.stat_at(lower.get(), ""));
  ENFOLD_TRY(write_full(context.files, lower.get(), prepared.page, 0));
  context.epochs.changed();
  WrappedKeys wrapped;
  wrapped.file = prepared.file;
  std::ranges::copy(prefix_of(prepared.page), wrapped.current.prefix.begin());
  wrapped.current.envelope = std::move(prepared.made.envelope);
  return std::shared_ptr<FileBody>(new FileBody(context, {FileState::Origin::kCreated,
                                                          std::move(lower),
                                                          true,
                                                          stat.stx_ino,
                                                          prepared.page,
                                                          prepared.file,
                                                          state,
                                                          std::move(wrapped),
                                                          {.current = std::move(prepared.made.keys)}}));
}

Result<std::shared_ptr<FileBody>> FileBody::open(VolumeContext& context, Fd lower, bool writable) {
  ENFOLD_TRY_ASSIGN(const StatX stat, context.files.stat_at(lower.get(), ""));
  ENFOLD_TRY_ASSIGN(const HeaderPage page, read_header(context.files, lower.get(), stat.stx_ino));
  ENFOLD_TRY_ASSIGN(Header header, verified_header(page, context.keys, stat));
  const bool crashed = may_be_crashed(context, header);
  if (!crashed) ENFOLD_TRY(require_sealed_size(header, stat));
  const FileId file = header.prefix.file;
  WrappedKeys wrapped = WrappedKeys::of(page, header);
  ENFOLD_TRY_ASSIGN(const ContentKeys keys, unwrap_keys(context.file_keys, wrapped));
  std::shared_ptr<FileBody> body(
      new FileBody(context, {FileState::Origin::kOpened, std::move(lower), writable, stat.stx_ino, page, file,
                             header.state, std::move(wrapped), keys}));
  if (context.unsure_headers.contains(file)) body->state_.poison(unsure_header(file));
  if (crashed) ENFOLD_TRY(body->find_length_after_crash(keys, stat, header.state));
  return body;
}

// The length is right from here on, whether or not it can be written below now.
Result<void> FileBody::find_length_after_crash(const ContentKeys& keys, const StatX& lower,
                                               const StateRecord& record) {
  SectorCoder sectors = coder(keys);
  auto length = find_length({context_, read_fd_.get(), lower.stx_size, record}, sectors);
  if (!length) return named(std::move(length).error());
  length_.store(*length);
  ENFOLD_TRY_ASSIGN(const bool ends_clean, tail_is_zero(context_.files, read_fd_.get(), *length));
  const bool as_recorded = record.clean && record.sealed_length == *length && ends_clean &&
                           lower.stx_size == lower_size_of(*length) &&
                           context_.epochs.is_durable(record.epoch);
  unsettled_.store(!as_recorded);
  if (as_recorded || context_.read_only || !writable()) return {};
  if (auto written = write_settled(); !written) settling_error_ = std::move(written).error();
  return {};
}

// The cut goes to the sector edge first, so that nothing stays in the tail.
Result<void> FileBody::write_settled() {
  const int fd = write_fd_.load(std::memory_order_acquire);
  const std::uint64_t length = this->length();
  auto lower = context_.files.stat_at(fd, "");
  if (!lower) return named(std::move(lower).error());
  ENFOLD_TRY_ASSIGN(const bool ends_clean, tail_is_zero(context_.files, fd, length));
  if (!ends_clean || lower->stx_size != lower_size_of(length)) {
    ENFOLD_TRY(set_lower_size(sector_offset(sectors_of(length))));
    if (length % kSectorPlainBytes != 0) ENFOLD_TRY(set_lower_size(lower_size_of(length)));
  }
  ENFOLD_TRY(state_.settle(fd, length, *lower));
  context_.unsealed.remove(file_);
  unsettled_.store(false, std::memory_order_release);
  return {};
}

Result<void> FileBody::settle() {
  if (!unsettled()) return {};
  const std::unique_lock exclusive(resize_lock_);
  return unsettled() ? write_settled() : Result<void>();
}

void FileBody::adopt_writable(Fd lower) {
  std::lock_guard lock(adopt_mutex_);
  if (writable()) return;
  adopted_fd_ = std::move(lower);
  write_fd_.store(adopted_fd_.get(), std::memory_order_release);
}

void FileBody::set_parent(const DirectoryId& parent) { state_.set_parent(parent); }

Result<void> FileBody::resize(std::uint64_t length) {
  ENFOLD_TRY(check_may_write());
  if (length > kMaxPlainLength)
    return make_error(Errc::kLimit, "file " + file_.hex() + ": longer than 2^62 bytes");
  ENFOLD_TRY(settle());
  changed();
  ENFOLD_TRY_ASSIGN(const auto held, lock_with_keys<Exclusive>());
  const std::uint64_t old_length = this->length();
  // Nothing to cut, but POSIX moves the times, and so does the lower ftruncate.
  if (length == old_length) return set_lower_size(lower_size_of(length));
  return length < old_length ? shrink(*held.keys, length) : grow(*held.keys, length, {});
}

Result<void> FileBody::sync(bool data_only) {
  std::lock_guard lock(sync_mutex_);
  if (sync_failure_) return std::unexpected(*sync_failure_);
  if (context_.unsyncable.contains(file_))
    return named({Errc::kSystem, EIO, "an earlier sync of it failed, and what it was to write may be lost"});
  const int fd = writable() ? write_fd_.load(std::memory_order_acquire) : read_fd_.get();
  const FileState::SyncMark mark = state_.sync_begins();
  auto done = data_only ? context_.files.sync_data(fd) : context_.files.sync(fd);
  if (done) {
    state_.synced(mark);
    return done;
  }
  sync_failure_ = named(std::move(done).error()).error();
  context_.epochs.sync_failed(*sync_failure_);
  context_.unsyncable.add(file_);
  return std::unexpected(*sync_failure_);
}

// A file that could not be sealed is settled when it is opened next.
Result<void> FileBody::seal(int other_writers_allowed) {
  if (!writable() || unsettled() || !state_.dirty()) return {};
  std::unique_lock exclusive(resize_lock_);
  if (writers_.load() > other_writers_allowed) return {};
  auto sealed = state_.seal(write_fd_.load(std::memory_order_acquire), length());
  sealed ? context_.unsealed.remove(file_) : context_.unsealed.add(file_);
  return sealed;
}

Result<void> FileBody::check_may_write() const {
  if (context_.read_only) return system_error(EROFS, "the volume is mounted read-only");
  if (!writable()) return system_error(EBADF, "the file is not open for writing");
  return {};
}

std::unexpected<Error> FileBody::named(Error error) const {
  return add_context(std::move(error), "file " + file_.hex() + " (" + inode_text(lower_inode_) + ")");
}

std::unexpected<Error> FileBody::damaged_sector(std::uint64_t index) const {
  return named({Errc::kDamaged, 0,
                "sector " + std::to_string(index) + " does not verify; `enfold check` names the file"});
}

// One line a minute for each file: an application may ask for the same sector for ever.
void FileBody::log_damage(const Error& error) {
  const std::int64_t now_ns = context_.clock.monotonic_ns();
  std::int64_t logged_at_ns = logged_at_ns_.load();
  if (now_ns - logged_at_ns < kLogEveryNs) return;
  if (logged_at_ns_.compare_exchange_strong(logged_at_ns, now_ns)) log_error(describe(error));
}

}  // namespace enfold
