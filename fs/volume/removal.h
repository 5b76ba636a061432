// Taking names away: unlink, rmdir, rename.
#pragma once

#include <optional>

#include "fs/volume/emptied_directory.h"
#include "fs/volume/tree_parts.h"

namespace enfold {

// What the kernel still refers to when its last name goes is kept by a descriptor, which is closed outside of
// the lock: the blocks of a large file are freed there. Thread-safe.
class Removal {
 public:
  explicit Removal(TreeParts& parts) : parts_(parts) {}

  Result<void> unlink(const Spot& spot);
  Result<void> remove_directory(const Spot& spot);
  // As renameat2(2); flags: 0, RENAME_NOREPLACE or RENAME_EXCHANGE.
  Result<void> rename(const Spot& from, const Spot& to, unsigned flags);

 private:
  // One name of an operation, and what is there.
  struct Side {
    const Spot* spot = nullptr;
    SharedFd dir;
    std::optional<LowerId> lower;  // nothing: the name is free
    InodePtr inode;                // null: nothing refers to it
    SharedFd kept;                 // of what is there; O_PATH

    bool is_last_name = false;  // as the lower filesystem counts them

    [[nodiscard]] LowerId identity() const { return lower.value_or(LowerId{}); }
    [[nodiscard]] bool is_directory() const { return lower && lower->type == S_IFDIR; }
    [[nodiscard]] const std::string& name() const { return spot->lower.name; }
  };

  Result<Side> look(const Spot& spot);
  Result<void> keep(Side& side);
  Result<void> remove_lower_directory(Side& side);
  Result<void> sync_paths(const Spot& from, const Spot& to, unsigned flags);
  // Answers a special object that must be on the device first, and has done nothing then.
  Result<std::optional<Side>> try_rename(const Spot& from, const Spot& to, unsigned flags);
  Result<void> replace(Side& from, Side& to);
  Result<void> replace_directory(Side& from, Side& to);
  Result<void> exchange(Side& from, Side& to);
  [[nodiscard]] bool is_unsynced_special(const Side& side) const;
  Result<EmptiedDirectory> take_empty(const Side& side);
  void put_back(EmptiedDirectory& emptied, const Side& side);
  void forget_name(const Side& side);
  void name_moved(const Side& side, const Spot& to);
  void give_hint(const Side& side, const Spot& to);

  TreeParts& parts_;
};

}  // namespace enfold
