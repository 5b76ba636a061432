#include "fs/volume/rekey_batch.h"

#include <cerrno>
#include <shared_mutex>

#include "fs/volume/file_body.h"
#include "fs/volume/header_slot.h"
#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"
#include "fs/volume/renewal.h"

namespace enfold {
namespace {

// Asked of the KMS at once; a stop waits for them.
constexpr std::size_t kWrappedTogether = 64;

// Removed since it was listed, or moved, and then it comes again.
bool is_gone(const Error& error) {
  return has_errno(error, ENOENT) || has_errno(error, ESTALE) || has_errno(error, ENOTDIR);
}

// No other file will do better for now.
bool concerns_all(const Error& error) {
  switch (error.code) {
    case Errc::kKmsUnavailable:
    case Errc::kKmsThrottled:
    case Errc::kKmsInternal:
    case Errc::kStoreTampered:
    case Errc::kStoreMissing:
      return true;
    default:
      return has_errno(error, ENOSPC) || has_errno(error, EDQUOT) || has_errno(error, EROFS) ||
             has_errno(error, EMFILE) || has_errno(error, ENFILE) || has_errno(error, ENOMEM);
  }
}

bool does_not_verify(const Error& error) {
  return error.code == Errc::kDamaged || error.code == Errc::kUnsupported;
}

// What a crash left of a file whose header had not arrived: it may stay in enfold.lost for ever.
bool holds_no_key(const HeaderPage& page) { return all_zero(slot_of(page, 0)) && all_zero(slot_of(page, 1)); }

}  // namespace

void RekeyBatch::run(const FileBatch& batch) {
  for (const ListedFile& file : batch) {
    if (pass_.stop_) break;
    look_at(file);
  }
  pass_.looked_at(batch);
  rewrap_all();
  renew_all();
}

void RekeyBatch::look_at(const ListedFile& file) {
  auto item = find(file);
  if (item && !*item) return;
  if (item) return sort(std::move(*item), file.is_foreign);
  if (file.is_foreign && does_not_verify(item.error())) {
    if (may_hold_envelope_)
      pass_.report(Severity::kForeign, file.link,
                   "one of Enfold's files, whole or in part, where it did not put it: an old envelope may "
                   "be in it; look into it, and delete it",
                   false);
    return;
  }
  not_looked_at(file.link, item.error());
}

// Null where it is no regular file of ours.
Result<RekeyBatch::ItemPtr> RekeyBatch::find(const ListedFile& file) {
  if (!file.inode) return find_by_name(file);
  auto item = std::make_unique<Item>(pass_, file.inode, file.link);
  ENFOLD_TRY_ASSIGN(item->fd,
                    parts_.places.open_content(file.inode, changes_ ? O_RDWR : O_RDONLY, lent_bits()));
  ENFOLD_TRY(read_header(*item));
  return item;
}

Result<RekeyBatch::ItemPtr> RekeyBatch::find_by_name(const ListedFile& file) {
  auto reached = reach(file.link);
  if (!reached && has_errno(reached.error(), EACCES)) reached = reach_lending(file.link);
  if (!reached) return std::unexpected(std::move(reached).error());
  if (!reached->item) return nullptr;
  auto opened = open(*reached->item, reached->path.get());
  if (opened) return std::move(reached->item);
  if (file.is_lost && does_not_verify(opened.error()) && holds_no_key(reached->item->page)) return nullptr;
  return std::unexpected(std::move(opened).error());
}

Result<RekeyBatch::Reached> RekeyBatch::reach(const Link& link) {
  const SharedNames names(parts_.places.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, parts_.places.directory(link.parent));
  return reach_below(dir->get(), link);
}

Result<RekeyBatch::Reached> RekeyBatch::reach_lending(const Link& link) {
  const ExclusiveNames names(parts_.places.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, parts_.places.directory_lending(link.parent));
  const LentMode lent(parts_.context.files, dir->get(), S_IXUSR);
  return reach_below(dir->get(), link);
}

// With names() held.
Result<RekeyBatch::Reached> RekeyBatch::reach_below(int dir, const Link& link) {
  Reached out;
  ENFOLD_TRY_ASSIGN(out.path, parts_.context.files.open_at(dir, link.lower_name, O_PATH | O_NOFOLLOW, 0));
  ENFOLD_TRY_ASSIGN(const StatX lower, parts_.context.files.stat_at(out.path.get(), ""));
  const LowerId id = lower_id_of(lower);
  if (id.type != S_IFREG) return out;
  out.item = std::make_unique<Item>(pass_, parts_.table.remember(id, link), link);
  out.item->has_lookup = true;
  return out;
}

Result<void> RekeyBatch::open(Item& item, int path_fd) {
  const int flags = changes_ ? O_RDWR : O_RDONLY;
  auto fd = reopen_quietly(parts_.context.files, path_fd, flags);
  if (!fd && has_errno(fd.error(), EACCES)) fd = parts_.places.open_content(item.inode, flags, lent_bits());
  if (!fd) return std::unexpected(std::move(fd).error());
  item.fd = std::move(*fd);
  return read_header(item);
}

// Its state record may be being written, and a file may have no header yet for a moment: who makes it holds
// `opening`.
Result<void> RekeyBatch::read_header(Item& item) {
  auto read = read_header_once(item);
  constexpr int kTries = 4;
  for (int tried = 1; !read && does_not_verify(read.error()) && tried < kTries; ++tried) {
    const std::lock_guard opening(item.inode->opening);
    const std::lock_guard sealing(item.inode->sealing);
    read = read_header_once(item);
  }
  return read;
}

Result<void> RekeyBatch::read_header_once(Item& item) {
  may_hold_envelope_ = false;
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(parts_.context.files, item.fd.get(), item.page, 0));
  may_hold_envelope_ = may_hold_envelope(ByteSpan(item.page).first(size));
  if (size < item.page.size()) return make_error(Errc::kDamaged, "the header page is cut short");
  ENFOLD_TRY_ASSIGN(item.header, decode_header(item.page, parts_.context.keys));
  return {};
}

void RekeyBatch::sort(ItemPtr item, bool is_foreign) {
  const Header& header = item->header;
  pass_.found_file();
  pass_.uses(header.envelope);
  if (header.former) pass_.uses(*header.former);
  if (!header.has_spare_slot && !header.former)
    if (const auto other = envelope_in(*item, 1 - header.slot_index)) pass_.uses(*other);
  if (is_rekeyed(header, target_)) return;
  if (is_foreign) {
    pass_.report(Severity::kForeign, item->link,
                 "a copy of file " + header.prefix.file.hex() +
                     " under a name that Enfold did not make: it is left under " +
                     header.envelope.recipients.front().key_arn + "; look into it, and delete it",
                 true);
    return;
  }
  if (!changes_) return pass_.found_to_do();
  item->is_claimed = pass_.claim(*item->inode);
  if (!item->is_claimed) return;  // under another name of it, and the next pass looks again
  pass_.found_to_do();
  const bool gets_new_key = header.former || (target_.new_data_keys && header.has_spare_slot);
  (gets_new_key ? renewals_ : items_).push_back(std::move(item));
}

Result<Envelope> RekeyBatch::envelope_in(const Item& item, std::uint8_t index) const {
  const MacKey key = parts_.context.keys.slot_mac(item.header.prefix.file);
  ENFOLD_TRY_ASSIGN(const auto envelope,
                    decode_slot(slot_of(item.page, index), {prefix_of(item.page), index, key}));
  if (!envelope) return make_error(Errc::kDamaged, "the envelope slot is empty");
  return *envelope;
}

EncryptionContext RekeyBatch::context_of(const Item& item) const {
  return file_key_context(parts_.context.keys.volume(), item.header.prefix.file);
}

IsRight RekeyBatch::commitment_of(const Item& item) const {
  return [&item, &keys = parts_.context.keys](std::span<const std::uint8_t, 32> bytes) {
    DataKey data_key;
    std::ranges::copy(bytes, data_key.expose_mutable().begin());
    const FileKey key = keys.file_key(data_key, prefix_of(item.page).first<kPrefixBoundBytes>());
    return equal_in_constant_time(file_commitment(key), item.header.prefix.commitment);
  };
}

void RekeyBatch::rewrap_all() {
  prepare_all();
  if (items_.empty()) return;
  each(&RekeyBatch::write_kept);
  if (items_.empty()) return;
  if (auto synced = parts_.durable_first.everything(); !synced) return pass_.stop_with(synced.error());
  each(&RekeyBatch::wipe_other);
  for (std::size_t i = 0; i < items_.size(); ++i) pass_.rekeyed(false);
  items_.clear();
}

// What fails is dropped.
void RekeyBatch::each(Result<void> (RekeyBatch::*step)(Item&)) {
  std::erase_if(items_, [&](const ItemPtr& item) {
    auto done = (this->*step)(*item);
    if (!done) failed(item->link, done.error());
    return !done.has_value();
  });
}

// Everything that can be refused is refused here, before a byte is written.
void RekeyBatch::prepare_all() {
  std::erase_if(items_, [&](const ItemPtr& item) {
    return pass_.stop_ || (!item->header.has_spare_slot && !choose_slot_to_keep(*item));
  });
  std::vector<Item*> anew;
  for (const ItemPtr& item : items_)
    if (item->header.has_spare_slot) anew.push_back(item.get());
  for (std::span<Item* const> rest = anew; !rest.empty() && !pass_.stop_;) {
    const std::size_t some = std::min(rest.size(), kWrappedTogether);
    wrap_anew(rest.first(some));
    rest = rest.subspan(some);
  }
  std::erase_if(items_,
                [](const ItemPtr& item) { return item->header.has_spare_slot && !item->writes_kept; });
}

void RekeyBatch::wrap_anew(std::span<Item* const> items) {
  std::vector<EncryptionContext> contexts;
  std::vector<IsRight> rights;
  for (const Item* item : items) {
    contexts.push_back(context_of(*item));
    rights.push_back(commitment_of(*item));
  }
  std::vector<RewrapItem> asked;
  asked.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    asked.push_back({contexts[i], items[i]->header.envelope.recipients.front(), rights[i]});
  auto answers = rewrap_many(parts_.context.file_keys.kms(), asked, target_.key_arn);
  for (std::size_t i = 0; i < items.size(); ++i) take(*items[i], std::move(answers[i]));
}

void RekeyBatch::take(Item& item, Rewrapped recipient) {
  if (recipient) {
    if (recipient->material_id != target_.material_id) pass_.wrapped_with(recipient->material_id);
    item.kept = {item.header.envelope.generation + 1, {*std::move(recipient)}};
    item.kept_slot = 1 - item.header.slot_index;
    item.writes_kept = true;
  } else if (recipient.error().is_of_wanted_key) {
    pass_.stop_with(add_context(recipient.error().error, "wrapping under " + target_.key_arn).error());
  } else {
    refused(item, recipient.error().error);
  }
}

// By the KMS that its envelope is under.
void RekeyBatch::refused(const Item& item, const Error& error) {
  const std::string& key_arn = item.header.envelope.recipients.front().key_arn;
  const bool concerns_all_files = concerns_all(error) && !target_.elsewhere.contains(key_arn);
  if (concerns_all_files) return pass_.stop_with(error);
  pass_.report(does_not_verify(error) ? Severity::kDamage : Severity::kUnread, item.link, describe(error),
               true);
}

// An earlier re-keying was cut between two syncs. One that meets the target is kept rather than the newer
// one, so that it is possible to go back where the other KMS is gone.
std::vector<std::uint8_t> RekeyBatch::slots_to_try(const Item& item) const {
  const std::uint8_t newer = item.header.slot_index;
  const std::uint8_t older = 1 - newer;
  const auto envelope = envelope_in(item, older);
  if (envelope && target_.is_met_by(*envelope) && !target_.is_met_by(item.header.envelope))
    return {older, newer};
  return {newer, older};
}

bool RekeyBatch::choose_slot_to_keep(Item& item) {
  Error refusal;  // of the first
  bool is_first = true;
  for (const std::uint8_t index : slots_to_try(item)) {
    auto envelope = envelope_in(item, index);
    auto opens = envelope ? check_opens(parts_.context.file_keys.kms(), context_of(item),
                                        envelope->recipients.front(), commitment_of(item))
                          : std::unexpected(envelope.error());
    if (opens) {
      item.kept = *std::move(envelope);
      item.kept_slot = index;
      return true;
    }
    if (std::exchange(is_first, false)) refusal = std::move(opens).error();
  }
  refused(item, refusal);
  return false;
}

Result<void> RekeyBatch::write_kept(Item& item) {
  ENFOLD_TRY_ASSIGN(const bool is_as_read, is_still_as_known(item));
  if (!is_as_read) return system_error(ESTALE, "re-keyed under another name meanwhile");
  if (!item.writes_kept) return {};
  std::array<std::uint8_t, kSlotBytes> bytes{};
  const MacKey key = parts_.context.keys.slot_mac(item.header.prefix.file);
  ENFOLD_TRY(encode_slot(item.kept, {prefix_of(item.page), item.kept_slot, key}, bytes));
  ENFOLD_TRY(write_slot(item, item.kept_slot, bytes));
  std::ranges::copy(bytes, slot_of(item.page, item.kept_slot).begin());
  return {};
}

Result<void> RekeyBatch::write_slot(Item& item, std::uint8_t index, ConstSlotSpan bytes) {
  const std::lock_guard opening(item.inode->opening);
  const std::lock_guard sealing(item.inode->sealing);
  const ConstSlotSpan before = slot_of(std::as_const(item.page), index);
  parts_.context.epochs.changed();
  if (const auto body = item.inode->body())
    return body->write_slot({item.fd.get(), index, bytes, before, item.kept});
  return write_header_slot(parts_.context.files, item.fd.get(), index, bytes, before);
}

// Prefix and slots; a state record may be written at any time. A file is claimed after its header was read:
// what was done to it in between, under another name of it, shows here.
Result<bool> RekeyBatch::is_still_as_known(const Item& item) const {
  std::array<std::uint8_t, kStateOffset> bytes{};
  ENFOLD_TRY(read_full(parts_.context.files, item.fd.get(), bytes, 0));
  return std::ranges::equal(bytes, ByteSpan(item.page).first<kStateOffset>());
}

Result<void> RekeyBatch::wipe_other(Item& item) {
  // What is below now opens to the right key, for these bytes were unwrapped before.
  ENFOLD_TRY_ASSIGN(const bool is_as_written, is_still_as_known(item));
  if (!is_as_written)
    return make_error(Errc::kDamaged, "its header was changed below before the old envelope was wiped");
  ENFOLD_TRY(write_slot(item, 1 - item.kept_slot, std::array<std::uint8_t, kSlotBytes>{}));
  pass_.wiped();
  return {};
}

void RekeyBatch::renew_all() {
  for (const ItemPtr& item : renewals_) {
    if (pass_.stop_) break;
    renew(*item);
  }
  renewals_.clear();
}

void RekeyBatch::renew(const Item& item) {
  auto done = renew_data_key(parts_.context, parts_.open_files, item.inode, pass_.stop_,
                             [&](std::uint64_t bytes) { pass_.went_on(bytes); });
  if (done) return pass_.rekeyed(true);
  if (!pass_.stop_) failed(item.link, done.error());
}

// What it is wrapped by is not known.
void RekeyBatch::not_looked_at(const Link& link, const Error& error) { failed(link, error, false); }

// Its header verified.
void RekeyBatch::failed(const Link& link, const Error& error) { failed(link, error, true); }

// Where a lower filesystem says so of what is there (NFS may), it was not looked at.
bool RekeyBatch::may_be_there(const Link& link) {
  return link.parent && LowerWalk(parts_.context.files, parts_.table, parts_.places).may_be_there(link);
}

void RekeyBatch::failed(const Link& link, const Error& error, bool is_verified) {
  if (is_gone(error) && (is_verified || has_errno(error, ENOENT) || !may_be_there(link))) return;
  if (is_gone(error) && changes_) return pass_.found_to_do();  // by the next pass
  if (concerns_all(error)) return pass_.stop_with(error);
  pass_.report(does_not_verify(error) ? Severity::kDamage : Severity::kUnread, link, describe(error),
               is_verified);
}

}  // namespace enfold
