// The content of one regular file while anything has it open: header, length, sectors. Shared by all handles
// of its inode; thread-safe. Locking (fs/README.md): resize_lock_ (shared by reads and writes, exclusive for
// shrinking and sealing), then growth_mutex_, then sector ranges, then state_mutex_.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "fs/format/header.h"
#include "fs/volume/range_lock.h"
#include "fs/volume/sector_set.h"
#include "fs/volume/volume_context.h"
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
  static Result<std::shared_ptr<FileBody>> create(VolumeContext& context, NewFile prepared, Fd lower,
                                                  const DirectoryId& parent);

  // Verifies the header and unwraps the key. kDamaged where the header, or the size against the sealed
  // length, is wrong. `writable` says that `lower` is open read-write.
  static Result<std::shared_ptr<FileBody>> open(VolumeContext& context, Fd lower, bool writable);

  FileBody(const FileBody&) = delete;
  FileBody& operator=(const FileBody&) = delete;
  ~FileBody();

  [[nodiscard]] const FileId& file_id() const { return header_.prefix.file; }
  [[nodiscard]] std::uint64_t length() const { return length_.load(std::memory_order_acquire); }
  [[nodiscard]] bool writable() const { return write_fd_.load(std::memory_order_acquire) >= 0; }

  // A read-write descriptor of the same lower file for a body that was opened read-only.
  void adopt_writable(Fd lower);
  // A hint for repair; goes to disk with the next state record.
  void set_parent(const DirectoryId& parent);

  // Bytes read; less than asked only at the end of the file. kDamaged where a sector does not verify.
  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan out);

  // All of `in` or an error; after an error the length is what it was before. kLimit past kMaxPlainLength, or
  // when the last key epoch is used up.
  Result<void> write(std::uint64_t offset, ByteSpan in);

  // Shrinks, or grows by a hole.
  Result<void> resize(std::uint64_t length);

  // What was written is on the device when this returns.
  Result<void> sync(bool data_only);

  // Counts the handles that may write. seal() writes the clean state record with the exact length when
  // something was changed and no more than `other_writers_allowed` handles may still write; modification time
  // is put back.
  void add_writer() { writers_.fetch_add(1); }
  void drop_writer() { writers_.fetch_sub(1); }
  Result<void> seal(int other_writers_allowed);

 private:
  struct Parts;
  explicit FileBody(Parts parts);

  VolumeContext& context_;
  Fd read_fd_;
  // ... the rest is this module's own
};

}  // namespace enfold
