#include "fs/volume/data_key_renewal.h"

#include <cerrno>

#include "fs/volume/kept_metadata.h"

namespace enfold {
namespace {

// The rest of the prefix is what names the file, and stays.
FormerKey former_of(const Header& header) {
  return {
      .slot_index = header.slot_index, .salt = header.prefix.salt, .commitment = header.prefix.commitment};
}

std::unexpected<Error> stopped() {
  return make_error(Errc::kBusy, "stopped before all sectors were under the new data key");
}

}  // namespace

Result<void> DataKeyRenewal::run(const std::atomic<bool>& stop, const Progress& progress) {
  ENFOLD_TRY(body_.check_may_write());
  ENFOLD_TRY(body_.settle());
  if (stop) return stopped();
  if (!body_.keys_.wrapped().former) ENFOLD_TRY(begin());
  end_ = sectors_of(body_.length());  // what comes behind it is under the current key
  while (next_ < end_) {
    if (stop) return stopped();
    ENFOLD_TRY(renew_next(progress));
  }
  return finish();
}

Result<DataKeyRenewal::NewKey> DataKeyRenewal::make_key() {
  NewKey key{body_.keys_.wrapped().current.prefix, {}};
  std::ranges::copy(random_array<32>(context_.entropy), key.prefix.begin() + kPrefixSaltOffset);
  ENFOLD_TRY_ASSIGN(ReadyDataKey fetched, context_.file_keys.fetch(body_.file_));
  key.made = context_.file_keys.make(key.prefix, std::move(fetched));
  return key;
}

Result<void> DataKeyRenewal::begin() {
  ENFOLD_TRY_ASSIGN(NewKey key, make_key());
  ENFOLD_TRY(body_.sync(true));  // so that little is left to sync under the locks
  return take(std::move(key));
}

// Nothing is sealed under the new key before the header that has it is on the device.
Result<void> DataKeyRenewal::take(NewKey key) {
  const std::lock_guard sealing(sealing_);
  const std::unique_lock exclusive(body_.resize_lock_);
  HeaderPage before{};
  ENFOLD_TRY_ASSIGN(const Header header, read_own_header(before));
  if (!header.has_spare_slot)
    return make_error(Errc::kBusy, "file " + body_.file_.hex() + ": its envelope is being replaced");
  const auto parity = static_cast<std::uint8_t>(1 - header.state.parity);
  HeaderPage after{};
  std::ranges::copy(key.prefix, after.begin());
  std::array<const Envelope*, 2> slots{&key.made.envelope, &key.made.envelope};
  slots[header.slot_index] = &header.envelope;
  ENFOLD_TRY(encode_slots(slots, context_.keys, body_.file_, after));
  const FileState::DataKeys keys{key.prefix, parity, former_of(header), {0, 0, WriteBudget::kReserveAhead}};
  ENFOLD_TRY(replace_header(before, after, keys, true));
  const HeldKeys::Shared old = body_.keys_.held();
  body_.keys_.replace({body_.file_, {key.prefix, key.made.envelope}, parity, body_.keys_.wrapped().current},
                      {std::move(key.made.keys), parity, old->current});
  return {};
}

// Whatever is written from now on is under the current key, so that one sync covers all that was not.
Result<void> DataKeyRenewal::finish() {
  if (damaged_ > 0)
    return body_.named({Errc::kDamaged, 0,
                        std::to_string(damaged_) + " sectors do not verify, the first is sector " +
                            std::to_string(first_damaged_) + "; the file keeps its former data key, too"});
  ENFOLD_TRY(body_.sync(true));
  {
    const std::lock_guard sealing(sealing_);
    const std::unique_lock exclusive(body_.resize_lock_);
    HeaderPage before{};
    ENFOLD_TRY_ASSIGN(const Header header, read_own_header(before));
    if (!header.state.former) return another_header();
    HeaderPage after = before;
    std::ranges::fill(slot_of(after, header.state.former->slot_index), std::uint8_t{0});
    FileState::DataKeys keys = body_.state_.data_keys();
    keys.former.reset();
    ENFOLD_TRY(replace_header(before, after, keys, false));
    WrappedKeys wrapped = body_.keys_.wrapped();
    wrapped.former.reset();
    ContentKeys held = *body_.keys_.held();
    held.former.reset();
    body_.keys_.replace(std::move(wrapped), std::move(held));
  }
  return body_.sync(true);
}

// A chunk, over which nobody writes between the look at the times and putting them back.
Result<void> DataKeyRenewal::renew_next(const Progress& progress) {
  ENFOLD_TRY(body_.keys_.current());  // before the locks, for the KMS may take its time
  const std::uint64_t from = next_;
  std::uint64_t length = 0;
  {
    const std::lock_guard sealing(sealing_);
    const std::unique_lock exclusive(body_.resize_lock_);
    length = body_.length();
    ENFOLD_TRY_ASSIGN(const std::uint64_t first, next_data());
    next_ = std::min({first + chunk_sectors_, end_, sectors_of(length)});
    if (first < next_) {
      const RequestBuffers buffers = request_buffers(next_ - first);
      ENFOLD_TRY(renew(*body_.keys_.held(), {first, buffers.pages, buffers.nonces}));
    } else {
      next_ = end_;
    }
  }
  progress(std::min(length, next_ * kSectorPlainBytes) - std::min(length, from * kSectorPlainBytes));
  return {};
}

// Holes stay holes, however long they are.
Result<std::uint64_t> DataKeyRenewal::next_data() {
  const std::uint64_t offset = next_ * kSectorPlainBytes;
  if (offset >= body_.length()) return end_;
  auto data = body_.next_data(offset);
  if (data) return *data / kSectorPlainBytes;
  if (data.error().errno_value == ENXIO) return end_;
  return body_.named(std::move(data).error());
}

Result<void> DataKeyRenewal::renew(const ContentKeys& keys, const Chunk& chunk) {
  ENFOLD_TRY(body_.read_pages(chunk.first, chunk.pages));
  SectorCoder coder = body_.coder(keys);
  std::uint64_t old = 0;
  for (std::uint64_t at = 0; at < chunk.sectors(); ++at)
    if (is_old(keys, chunk, at)) ++old;
  // Also where none is: those under the current key are to verify, too.
  if (old == 0) return seal_anew(keys, coder, 0, chunk);
  auto kept = KeptMetadata::of(context_.files, fd());
  if (!kept) return body_.named(std::move(kept).error());
  ENFOLD_TRY_ASSIGN(const std::uint8_t key_epoch, body_.state_.begin_change(fd(), {body_.length(), old, 0}));
  context_.entropy.fill(chunk.nonces);
  auto sealed = seal_anew(keys, coder, key_epoch, chunk);
  auto restored = kept->put_back(context_.files, fd());
  if (!sealed) return sealed;
  if (!restored) return body_.named(std::move(restored).error());
  return {};
}

// As the page itself says, which is not verified yet.
bool DataKeyRenewal::is_old(const ContentKeys& keys, const Chunk& chunk, std::uint64_t at) {
  const ConstSectorPage page = page_at(ByteSpan(chunk.pages), at);
  return sector_key(page).parity != keys.parity && !is_hole(page);
}

// Pages that follow each other are written at once.
Result<void> DataKeyRenewal::seal_anew(const ContentKeys& keys, SectorCoder& coder, std::uint8_t key_epoch,
                                       const Chunk& chunk) {
  std::uint64_t from = 0;
  for (std::uint64_t at = 0; at <= chunk.sectors(); ++at) {
    if (at < chunk.sectors() && seal_anew(keys, coder, key_epoch, chunk, at)) continue;
    ENFOLD_TRY(body_.write_pages(chunk.first + from,
                                 chunk.pages.subspan(from * kPageBytes, (at - from) * kPageBytes)));
    from = at + 1;
  }
  return {};
}

// Whether the page is another one now.
bool DataKeyRenewal::seal_anew(const ContentKeys& keys, SectorCoder& coder, std::uint8_t key_epoch,
                               const Chunk& chunk, std::uint64_t at) {
  const std::uint64_t index = chunk.first + at;
  const std::uint64_t plain_bytes = sector_plain_bytes(body_.length(), index);
  const SectorPage page = page_at(chunk.pages, at);
  PlainSector plain;
  if (!coder.open(index, page, plain_bytes, body_.state_.hole_end(), plain.bytes)) {
    if (damaged_++ == 0) first_damaged_ = index;
    return false;
  }
  if (!is_old(keys, chunk, at)) return false;
  coder.seal(index, key_epoch, nonce_at(chunk.nonces, at), ByteSpan(plain.bytes).first(plain_bytes), page);
  return true;
}

Result<HeaderPage> DataKeyRenewal::read_header() {
  HeaderPage page{};
  auto size = read_full(context_.files, fd(), page, 0);
  if (!size) return body_.named(std::move(size).error());
  if (*size < page.size()) return body_.named({Errc::kDamaged, 0, "the header page is cut short"});
  return page;
}

// An older one that somebody put there would cost the keys that the file has.
Result<Header> DataKeyRenewal::read_own_header(HeaderPage& page) {
  ENFOLD_TRY_ASSIGN(page, read_header());
  ENFOLD_TRY_ASSIGN(Header header, decode_header(page, context_.keys));
  if (!std::ranges::equal(prefix_of(page), body_.keys_.wrapped().current.prefix)) return another_header();
  return header;
}

std::unexpected<Error> DataKeyRenewal::another_header() const {
  return body_.named({Errc::kDamaged, 0, "its header was exchanged below while it was open"});
}

// One write of the whole page. After a failure below the file has the header that it had.
Result<void> DataKeyRenewal::replace_header(HeaderPage& before, HeaderPage& after,
                                            const FileState::DataKeys& keys, bool must_sync) {
  auto kept = KeptMetadata::of(context_.files, fd());
  if (!kept) return body_.named(std::move(kept).error());
  const FileState::DataKeys old = body_.state_.data_keys();
  auto done = body_.state_.write_header(fd(), after, body_.length(), keys);
  if (done && must_sync) done = body_.sync(true);
  if (!done) put_back(before, old);
  auto restored = kept->put_back(context_.files, fd());
  if (!done) return done;
  if (!restored) return body_.named(std::move(restored).error());
  return {};
}

// Where that fails, too, nobody knows which header the device has or gets.
void DataKeyRenewal::put_back(HeaderPage& before, const FileState::DataKeys& keys) {
  const auto now = read_header();
  if (now && *now == before) return;
  auto done = body_.state_.write_header(fd(), before, body_.length(), keys);
  if (done) return;
  context_.unsure_headers.add(body_.file_);
  body_.state_.poison(std::move(done).error());
}

}  // namespace enfold
