// Some files of a pass, re-keyed together: spare slots, one sync, then the old slots are wiped.
#pragma once

#include <memory>
#include <vector>

#include "fs/volume/rekey_pass.h"
#include "fs/volume/rewrap.h"

namespace enfold {

// By one thread, for one batch.
class RekeyBatch {
 public:
  RekeyBatch(RekeyPass& pass, const RekeyTarget& target, bool changes)
      : pass_(pass), parts_(pass.parts_), target_(target), changes_(changes) {}

  void run(const FileBatch& batch);

 private:
  // One lower file with something to do.
  struct Item {
    Item(RekeyPass& its_pass, InodePtr its_inode, Link its_link)
        : pass(its_pass), inode(std::move(its_inode)), link(std::move(its_link)) {}
    Item(const Item&) = delete;
    Item& operator=(const Item&) = delete;
    ~Item() {
      if (is_claimed) pass.release(*inode);
      if (has_lookup) pass.parts_.places.forget(inode->number, 1);
    }

    RekeyPass& pass;
    bool is_claimed = false;
    bool has_lookup = false;  // of its own
    InodePtr inode;
    Link link;
    Fd fd;
    HeaderPage page{};
    Header header;
    // What is done, once it is known:
    std::uint8_t kept_slot = 0;  // the other is wiped
    Envelope kept;
    bool writes_kept = false;  // into the spare slot, first
  };
  using ItemPtr = std::unique_ptr<Item>;

  void look_at(const ListedFile& file);
  [[nodiscard]] mode_t lent_bits() const { return changes_ ? S_IRUSR | S_IWUSR : S_IRUSR; }
  Result<ItemPtr> find(const ListedFile& file);
  Result<ItemPtr> find_by_name(const ListedFile& file);
  // An O_PATH descriptor, and an item where it is of a regular file.
  struct Reached {
    Fd path;
    ItemPtr item;
  };
  Result<Reached> reach(const Link& link);
  Result<Reached> reach_lending(const Link& link);
  Result<Reached> reach_below(int dir, const Link& link);
  Result<void> open(Item& item, int path_fd);
  Result<void> read_header(Item& item);
  Result<void> read_header_once(Item& item);
  void sort(ItemPtr item, bool is_foreign);

  void rewrap_all();
  void prepare_all();
  void wrap_anew(std::span<Item* const> items);
  void take(Item& item, Rewrapped recipient);
  bool choose_slot_to_keep(Item& item);
  Result<void> write_kept(Item& item);
  Result<void> write_slot(Item& item, std::uint8_t index, ConstSlotSpan bytes);
  [[nodiscard]] Result<bool> is_still_as_known(const Item& item) const;
  Result<void> wipe_other(Item& item);
  void each(Result<void> (RekeyBatch::*step)(Item&));
  void renew_all();
  void renew(const Item& item);

  [[nodiscard]] std::vector<std::uint8_t> slots_to_try(const Item& item) const;
  [[nodiscard]] Result<Envelope> envelope_in(const Item& item, std::uint8_t index) const;
  [[nodiscard]] EncryptionContext context_of(const Item& item) const;
  [[nodiscard]] IsRight commitment_of(const Item& item) const;
  void not_looked_at(const Link& link, const Error& error);
  bool may_be_there(const Link& link);
  void failed(const Link& link, const Error& error);
  void refused(const Item& item, const Error& error);
  void failed(const Link& link, const Error& error, bool is_verified);

  RekeyPass& pass_;
  TreeParts& parts_;
  const RekeyTarget& target_;
  bool changes_;
  std::vector<ItemPtr> items_;      // to be wrapped anew
  std::vector<ItemPtr> renewals_;   // to get a new data key, or to finish that
  bool may_hold_envelope_ = false;  // what was read last, where its header does not verify
};

}  // namespace enfold
