// The content of one regular file while anything has it open: header, length, sectors. Shared by all handles
// of its inode; thread-safe. Locking (fs/README.md): resize_lock_ (shared by reads and writes, exclusive for
// shrinking, sealing and other data keys), then growth_mutex_, then sector ranges, then state_mutex_.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "fs/format/header.h"
#include "fs/volume/fair_shared_mutex.h"
#include "fs/volume/file_state.h"
#include "fs/volume/held_keys.h"
#include "fs/volume/range_lock.h"
#include "fs/volume/sector_io.h"
#include "fs/volume/volume_context.h"
#include "fs/volume/write_request.h"
#include "kms/base/files.h"

namespace enfold {

class FileBody {
 public:
  // Writes the header of a new file into `lower`, an empty file opened read-write. Its keys are `made` before
  // the lower file exists, so that a KMS that does not answer leaves nothing behind: see NewFile.
  struct NewFile {
    HeaderPage page;
    FileId file;
    NewFileKeys made;
  };
  static Result<NewFile> prepare(VolumeContext& context);
  // The record on disk says dirty, because a write follows a create: seal() the body before it goes, even
  // when nothing was written. On failure `lower` may hold a part of a header: unlink it.
  static Result<std::shared_ptr<FileBody>> create(VolumeContext& context, NewFile prepared, Fd lower,
                                                  const DirectoryId& parent);

  // Verifies the header and unwraps the key. kDamaged where the header, or the size against the sealed
  // length, is wrong. Where a crash may have left the file as it is, its length is found and written below,
  // which may fail: see unsettled(). kKmsBadAnswer where the KMS's key is not this file's; its other errors
  // as they are. `writable` says that `lower` is open read-write.
  static Result<std::shared_ptr<FileBody>> open(VolumeContext& context, Fd lower, bool writable);

  FileBody(const FileBody&) = delete;
  FileBody& operator=(const FileBody&) = delete;
  ~FileBody();

  [[nodiscard]] const FileId& file_id() const { return file_; }
  [[nodiscard]] std::uint64_t length() const { return length_.load(std::memory_order_acquire); }
  [[nodiscard]] bool writable() const { return write_fd_.load(std::memory_order_acquire) >= 0; }

  // A read-write descriptor of the same lower file for a body that was opened read-only.
  void adopt_writable(Fd lower);

  // A length was found after a crash, and is not written below: on a read-only volume, or for this reason.
  // Reading works; the first change writes it, or fails.
  [[nodiscard]] bool unsettled() const { return unsettled_.load(std::memory_order_acquire); }
  [[nodiscard]] std::optional<Error> settling_error() const { return settling_error_; }
  // Writes it where it is not written yet; for a writable body, as the first change does.
  Result<void> settle();
  // A hint for repair; goes to disk with the next state record.
  void set_parent(const DirectoryId& parent);

  // Bytes read; less than asked only at the end of the file. kDamaged where a sector does not verify: `out`
  // is then wiped.
  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan out);

  // The bytes behind the last sector, which nothing reads, are zero as they must be; else kDamaged. For
  // check.
  Result<void> verify_tail();

  // All of `in` or an error; after an error the length is what it was before, and each sector of the range
  // old or new. kLimit past kMaxPlainLength, or when the last key epoch is used up; EROFS on a read-only
  // volume and EBADF without a writable descriptor.
  Result<void> write(std::uint64_t offset, ByteSpan in);

  // Shrinks, or grows by a hole. Errors as write(); after one, length and content are what they were.
  Result<void> resize(std::uint64_t length);

  // FileHandle's call of that name. After an error the length is what it was, and sectors of the range may be
  // zero already.
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t size);
  // FileHandle's call of that name.
  Result<std::uint64_t> seek(std::uint64_t offset, int whence);

  // Access time: content is read below without moving it, for much of that is not the user's reading. touch()
  // lets the lower filesystem move it by its own rule (mount(8): relatime and others), which unlike setting
  // it leaves the ctime alone. Once after each change, and each hour. False where there was nothing to move.
  bool touch();
  void changed() { touched_at_ns_.store(0, std::memory_order_relaxed); }

  // What was written is on the device when this returns. After a failure every later call on this body fails
  // too: the kernel forgets which pages it could not write.
  Result<void> sync(bool data_only);

  // Counts the handles that may write. seal() writes the clean state record with the exact length when
  // something was changed and no more than `other_writers_allowed` handles may still write; modification time
  // is put back (the caller keeps others from setting times meanwhile).
  void add_writer() { writers_.fetch_add(1); }
  void drop_writer() { writers_.fetch_sub(1); }
  // Counts the handles that a shared mapping may write through.
  void add_mapper() { mappers_.fetch_add(1); }
  void drop_mapper() { mappers_.fetch_sub(1); }
  Result<void> seal(int other_writers_allowed);

  // One envelope slot of the header, as write_header_slot(); the caller holds what seal() wants held.
  struct SlotChange {
    int fd;  // read-write, of the lower file
    std::uint8_t index;
    ConstSlotSpan slot;
    ConstSlotSpan before;
    const Envelope& counts;  // is asked for the key from now on
  };
  Result<void> write_slot(const SlotChange& change);

 private:
  friend class DataKeyRenewal;
  struct Parts;
  FileBody(VolumeContext& context, Parts parts);
  [[nodiscard]] bool has_old_access_time();
  Result<void> find_length_after_crash(const ContentKeys& keys, const StatX& lower,
                                       const StateRecord& record);
  Result<void> write_settled();

  [[nodiscard]] SectorCoder coder(const ContentKeys& keys) const {
    return {context_.keys.volume(), file_, keys};
  }
  // The keys, and resize_lock_, under which they stay the file's.
  template <class Lock>
  struct Keyed {
    HeldKeys::Shared keys;
    Lock lock;
  };
  template <class Lock>
  Result<Keyed<Lock>> lock_with_keys() {
    for (;;) {
      ENFOLD_TRY_ASSIGN(HeldKeys::Shared keys, keys_.current());
      Lock lock(resize_lock_);
      if (keys_.are_held(keys)) return Keyed<Lock>{std::move(keys), std::move(lock)};
    }
  }
  using Shared = std::shared_lock<FairSharedMutex>;
  using Exclusive = std::unique_lock<FairSharedMutex>;
  [[nodiscard]] Result<void> check_may_write() const;
  [[nodiscard]] std::unexpected<Error> named(Error error) const;
  [[nodiscard]] std::unexpected<Error> damaged_sector(std::uint64_t index) const;
  void log_damage(const Error& error);

  // file_body_read.cc
  Result<std::size_t> read_once(const ContentKeys& keys, std::uint64_t offset, MutableByteSpan out);
  Result<void> read_pages(std::uint64_t first_index, MutableByteSpan pages);

  // file_body_write.cc; for overwrite() resize_lock_ is held shared
  Result<void> overwrite(const ContentKeys& keys, const WriteRequest& request);
  Result<void> load_edges(SectorCoder& coder, const WriteRequest& request, std::uint64_t new_length,
                          WriteEdges& edges);
  Result<void> load_edge(SectorCoder& coder, const WriteRequest& request, std::uint64_t index,
                         PlainSector& out);
  Result<void> write_pages(std::uint64_t first_index, ByteSpan pages);
  Result<void> set_lower_size(std::uint64_t size);

  // file_body_grow.cc; resize_lock_ is held shared with growth_mutex_, or exclusively
  Result<void> grow(const ContentKeys& keys, std::uint64_t new_length, const WriteRequest& request);
  Result<void> load_old_tail(SectorCoder& coder, const WriteRequest& request, std::uint64_t new_length,
                             PlainSector& out, bool& rewrite);
  Result<void> write_growth(std::uint64_t new_length, std::uint64_t first_index, ByteSpan pages,
                            ByteSpan old_tail_page);
  void undo_growth();

  // file_body_shrink.cc; resize_lock_ is held exclusively
  Result<void> shrink(const ContentKeys& keys, std::uint64_t new_length);
  Result<std::uint8_t> permit_cut(std::uint64_t new_length, std::uint64_t sector_writes,
                                  const Epochs::Hold& hold);
  Result<void> cut_in_sector(const ContentKeys& keys, std::uint64_t new_length);
  bool put_back(std::uint64_t index, ConstSectorPage page);
  void extend_tail(std::uint64_t new_length);

  // file_body_allocate.cc
  Result<void> zero(int mode, std::uint64_t offset, std::uint64_t end);
  Result<void> punch(int mode, std::uint64_t first, std::uint64_t end);
  Result<void> zero_in_sector(SectorCoder& coder, std::uint64_t offset, std::uint64_t end);
  Result<void> reserve(std::uint64_t offset, std::uint64_t end);
  Result<void> grow_by_hole(std::uint64_t length);

  // file_body_seek.cc; resize_lock_ is held shared
  Result<std::uint64_t> next_data(std::uint64_t offset);
  Result<std::uint64_t> next_hole(std::uint64_t offset);

  VolumeContext& context_;
  FileId file_;
  std::uint64_t lower_inode_;
  Fd read_fd_;
  std::mutex adopt_mutex_;
  Fd adopted_fd_;
  std::atomic<int> write_fd_;  // read_fd_, adopted_fd_, or -1
  std::atomic<std::uint64_t> length_;
  std::atomic<int> writers_{0};
  std::atomic<int> mappers_{0};
  std::atomic<std::int64_t> logged_at_ns_;
  std::atomic<std::int64_t> touched_at_ns_;  // 0: not since the last change

  std::atomic<bool> unsettled_{false};
  std::optional<Error> settling_error_;  // set while the body is opened

  HeldKeys keys_;
  FileState state_;
  FairSharedMutex resize_lock_;
  std::mutex growth_mutex_;
  RangeLock ranges_;

  std::mutex sync_mutex_;
  std::optional<Error> sync_failure_;  // guarded by sync_mutex_
};

}  // namespace enfold
