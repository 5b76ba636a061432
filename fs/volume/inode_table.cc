#include "fs/volume/inode_table.h"

#include <algorithm>
#include <utility>

namespace enfold {
namespace {

// A file of many hard links needs no list of them all: without a known name it is kept by a descriptor.
constexpr std::size_t kMaxKnownLinks = 16;

}  // namespace

InodeTable::InodeTable(const LowerId& root) : root_(std::make_shared<Inode>(kRootInode, root)) {
  root_->pins_ = 1;
  by_number_.emplace(kRootInode, root_);
  by_lower_.emplace(root, root_);
}

InodePtr InodeTable::find(InodeNumber number) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

InodePtr InodeTable::find(const LowerId& lower) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_lower_.find(lower);
  return found == by_lower_.end() ? nullptr : found->second;
}

InodePtr InodeTable::remember(const LowerId& lower, const Link& link) {
  SharedFd orphan;  // closed after the lock
  const std::lock_guard lock(mutex_);
  const auto found = by_lower_.find(lower);
  InodePtr inode = found == by_lower_.end() ? make_inode(lower) : found->second;
  ++inode->lookups_;
  add_link(*inode, link);
  orphan.swap(inode->orphan_);
  return inode;
}

std::pair<InodePtr, std::unique_lock<std::mutex>> InodeTable::remember_new(const LowerId& lower,
                                                                           const Link& link) {
  const std::lock_guard lock(mutex_);
  if (by_lower_.contains(lower)) return {};
  InodePtr inode = make_inode(lower);
  std::unique_lock opening(inode->opening, std::try_to_lock);  // nobody else has it
  ++inode->lookups_;
  add_link(*inode, link);
  return {std::move(inode), std::move(opening)};
}

InodePtr InodeTable::make_inode(const LowerId& lower) {
  auto inode = std::make_shared<Inode>(++last_number_, lower);
  by_number_.emplace(inode->number, inode);
  by_lower_.emplace(lower, inode);
  return inode;
}

std::vector<InodePtr> InodeTable::forget(InodeNumber number, std::uint64_t lookups) {
  std::vector<InodePtr> dropped;
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) return dropped;
  const InodePtr inode = found->second;
  inode->lookups_ -= std::min(lookups, inode->lookups_);
  drop_if_unused(inode, dropped);
  return dropped;
}

void InodeTable::pin(Inode& inode) {
  const std::lock_guard lock(mutex_);
  ++inode.pins_;
}

std::vector<InodePtr> InodeTable::unpin(const InodePtr& inode) {
  std::vector<InodePtr> dropped;
  const std::lock_guard lock(mutex_);
  --inode->pins_;
  drop_if_unused(inode, dropped);
  return dropped;
}

InodeTable::Place InodeTable::place(const Inode& inode, std::size_t index) const {
  const std::lock_guard lock(mutex_);
  if (index < inode.links_.size()) return {nullptr, inode.links_[index]};
  return {inode.orphan_, std::nullopt};
}

bool InodeTable::is_removed(const Inode& inode) const {
  const std::lock_guard lock(mutex_);
  return inode.links_.empty() && inode.orphan_ != nullptr;
}

std::vector<InodePtr> InodeTable::open_without_name() {
  std::vector<InodePtr> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, inode] : by_number_) {
    if (!inode->is_regular() || !inode->links_.empty() || !inode->orphan_ || !inode->body()) continue;
    ++inode->lookups_;
    out.push_back(inode);
  }
  return out;
}

void InodeTable::unlinked(const InodePtr& inode, const Link& link, SharedFd orphan) {
  std::vector<InodePtr> dropped;
  const std::lock_guard lock(mutex_);
  remove_link(*inode, link, dropped);
  if (inode->links_.empty()) inode->orphan_ = std::move(orphan);
}

void InodeTable::renamed(const InodePtr& inode, const Link& from, const Link& to) {
  std::vector<InodePtr> dropped;
  const std::lock_guard lock(mutex_);
  if (remove_link(*inode, from, dropped)) add_link(*inode, to);
}

void InodeTable::add_link(Inode& inode, const Link& link) {
  const bool is_full = inode.links_.size() >= kMaxKnownLinks;
  if (is_full || std::ranges::find(inode.links_, link) != inode.links_.end()) return;
  inode.links_.push_back(link);
  ++link.parent->pins_;
}

bool InodeTable::remove_link(Inode& inode, const Link& link, std::vector<InodePtr>& dropped) {
  const auto found = std::ranges::find(inode.links_, link);
  if (found == inode.links_.end()) return false;
  const InodePtr parent = found->parent;
  inode.links_.erase(found);
  --parent->pins_;
  drop_if_unused(parent, dropped);
  return true;
}

void InodeTable::drop_if_unused(const InodePtr& inode, std::vector<InodePtr>& dropped) {
  if (inode->lookups_ > 0 || inode->pins_ > 0 || by_number_.erase(inode->number) == 0) return;
  by_lower_.erase(inode->lower);
  dropped.push_back(inode);
  for (const Link& link : std::exchange(inode->links_, {})) {
    --link.parent->pins_;
    drop_if_unused(link.parent, dropped);
  }
}

}  // namespace enfold
