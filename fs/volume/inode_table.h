// All inodes that something refers to, by number and by lower identity, with their lookup counts and known
// names.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/volume/inode.h"

namespace enfold {

// Thread-safe. Links change only under the namespace lock (Places), so that they agree with the lower
// directory.
class InodeTable {
 public:
  explicit InodeTable(const LowerId& root);

  [[nodiscard]] const InodePtr& root() const { return root_; }
  // Null where nothing refers to such an inode.
  [[nodiscard]] InodePtr find(InodeNumber number) const;
  [[nodiscard]] InodePtr find(const LowerId& lower) const;

  // The inode of that lower object, made where there is none, with one lookup more and `link` among its
  // names.
  InodePtr remember(const LowerId& lower, const Link& link);

  // The same for a file that was just made: its `opening` is held before anybody else can see the inode. Null
  // where the lower object is known already, and so is no new one.
  std::pair<InodePtr, std::unique_lock<std::mutex>> remember_new(const LowerId& lower, const Link& link);

  // Takes lookups back. Answers the inodes that nothing refers to any more: let them go outside of all locks.
  std::vector<InodePtr> forget(InodeNumber number, std::uint64_t lookups);

  // Keeps an inode known while a handle is open on it. unpin() answers as forget() does.
  void pin(Inode& inode);
  std::vector<InodePtr> unpin(const InodePtr& inode);

  // Where an inode is: the descriptor that keeps it once it has no name, or its index-th known name.
  struct Place {
    SharedFd orphan;
    std::optional<Link> link;
  };
  [[nodiscard]] Place place(const Inode& inode, std::size_t index) const;
  [[nodiscard]] bool is_removed(const Inode& inode) const;
  // Regular files that are open, and are in no directory any more; each with one lookup more.
  std::vector<InodePtr> open_without_name();

  // `orphan` is kept where no other name is known.
  void unlinked(const InodePtr& inode, const Link& link, SharedFd orphan);
  void renamed(const InodePtr& inode, const Link& from, const Link& to);

 private:
  InodePtr make_inode(const LowerId& lower);
  void add_link(Inode& inode, const Link& link);
  bool remove_link(Inode& inode, const Link& link, std::vector<InodePtr>& dropped);
  void drop_if_unused(const InodePtr& inode, std::vector<InodePtr>& dropped);

  mutable std::mutex mutex_;
  InodePtr root_;
  InodeNumber last_number_ = kRootInode;
  std::unordered_map<InodeNumber, InodePtr> by_number_;
  std::unordered_map<LowerId, InodePtr, LowerIdHash> by_lower_;
};

}  // namespace enfold
