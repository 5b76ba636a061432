// The keys that an open file holds, asked for again when their time is over.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "fs/volume/content_keys.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// A data key as the header has it: its envelope, and the prefix that its file key is bound to.
struct WrappedKey {
  std::array<std::uint8_t, kPrefixBytes> prefix{};
  Envelope envelope;

  friend bool operator==(const WrappedKey&, const WrappedKey&) = default;
};

// All that a header page says of the file's data keys.
struct WrappedKeys {
  FileId file;
  WrappedKey current;
  std::uint8_t parity = 0;
  std::optional<WrappedKey> former{};

  static WrappedKeys of(const HeaderPage& page, const Header& header);
  friend bool operator==(const WrappedKeys&, const WrappedKeys&) = default;
};

// Each is cached, or unwrapped by the KMS. Errors as KeyCache::unwrap().
Result<ContentKeys> unwrap_keys(KeyCache& cache, const WrappedKeys& wrapped);

// Thread-safe. One thread at a time asks the KMS; the others of the same file wait for its answer. After an
// error the same answer is given for a second without asking again, so that a KMS that is down is not
// stormed.
class HeldKeys {
 public:
  HeldKeys(VolumeContext& context, WrappedKeys wrapped, ContentKeys keys);

  using Shared = std::shared_ptr<const ContentKeys>;
  // Call with no lock of the file held: the KMS may take its time.
  Result<Shared> current();

  // Whether current() answered these last: with a lock of the file held that keeps other data keys out, they
  // are those of the file.
  [[nodiscard]] bool are_held(const Shared& keys);
  // Those asked for last, whether or not their time is over.
  [[nodiscard]] Shared held();
  [[nodiscard]] WrappedKeys wrapped();
  // The file has got other data keys.
  void replace(WrappedKeys wrapped, ContentKeys keys);

 private:
  Shared unexpired(std::int64_t now_ns);
  bool keep(const WrappedKeys& asked, const Shared& keys);

  VolumeContext& context_;

  std::mutex mutex_;  // guards the next two
  WrappedKeys wrapped_;
  Shared keys_;

  std::mutex asking_mutex_;
  std::optional<Error> refused_;  // guarded by asking_mutex_, and so is what follows
  std::int64_t refused_at_ns_ = 0;
};

}  // namespace enfold
