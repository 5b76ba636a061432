// A new data key for one file, in place (FORMAT.md, "Between two data keys"): the header gets both keys, each
// sector that is under the former one is sealed anew, the header gives up the former one.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "fs/volume/file_body.h"

namespace enfold {

// One run, by one thread, beside readers and writers of the file; its body is writable and has a writer
// (FileBody::add_writer), whose last one seals it. What is cut short leaves the file between two data keys,
// which opens, reads and writes; the next run goes on.
class DataKeyRenewal {
 public:
  using Progress = std::function<void(std::uint64_t bytes)>;

  static constexpr std::uint64_t kChunk_sectors = 256;
  // `sealing` is the inode's: mtime, set-id bits and capabilities stay as they are.
  DataKeyRenewal(VolumeContext& context, FileBody& body, std::mutex& sealing,
                 std::uint64_t chunk_sectors = kChunk_sectors)
      : context_(context), body_(body), sealing_(sealing), chunk_sectors_(chunk_sectors) {}

  // kBusy where `stop` became true, or an envelope is just being replaced; kDamaged where sectors do not
  // verify: all others are done then, and the file stays between two data keys. Others as FileBody::write().
  // `progress` gets plain bytes, holes included.
  Result<void> run(const std::atomic<bool>& stop, const Progress& progress);

 private:
  struct NewKey {
    std::array<std::uint8_t, kPrefixBytes> prefix;
    NewFileKeys made;
  };
  Result<NewKey> make_key();
  Result<void> begin();
  Result<void> take(NewKey key);
  Result<void> finish();

  struct Chunk {
    std::uint64_t first = 0;
    MutableByteSpan pages;
    MutableByteSpan nonces;
    [[nodiscard]] std::uint64_t sectors() const { return pages.size() / kPageBytes; }
  };
  Result<void> renew_next(const Progress& progress);
  Result<std::uint64_t> next_data();
  Result<void> renew(const ContentKeys& keys, const Chunk& chunk);
  static bool is_old(const ContentKeys& keys, const Chunk& chunk, std::uint64_t at);
  Result<void> seal_anew(const ContentKeys& keys, SectorCoder& coder, std::uint8_t key_epoch,
                         const Chunk& chunk);
  bool seal_anew(const ContentKeys& keys, SectorCoder& coder, std::uint8_t key_epoch, const Chunk& chunk,
                 std::uint64_t at);

  Result<HeaderPage> read_header();
  Result<Header> read_own_header(HeaderPage& page);
  [[nodiscard]] std::unexpected<Error> another_header() const;
  Result<void> replace_header(HeaderPage& before, HeaderPage& after, const FileState::DataKeys& keys,
                              bool must_sync);
  void put_back(HeaderPage& before, const FileState::DataKeys& keys);
  [[nodiscard]] int fd() const { return body_.write_fd_.load(std::memory_order_acquire); }

  VolumeContext& context_;
  FileBody& body_;
  std::mutex& sealing_;
  const std::uint64_t chunk_sectors_;  // others wait while so many are sealed
  std::uint64_t next_ = 0;             // sector, and so are these
  std::uint64_t end_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t first_damaged_ = 0;
};

}  // namespace enfold
