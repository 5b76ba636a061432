#include "fs/volume/file_batches.h"

#include <dirent.h>

#include <cerrno>
#include <system_error>

#include <shared_mutex>

#include "fs/format/names.h"
#include "fs/volume/lower_files.h"

namespace enfold {

void FileBatches::run(const Work& work, const std::atomic<bool>& stop) {
  work_ = &work;
  stop_ = &stop;
  is_complete_ = false;
  parts_.moved_objects.begin();
  std::vector<std::thread> threads;
  start(threads);
  walk_all(stop);
  hand_over();
  wait_for_all();
  hand_over_moved();
  {
    const std::lock_guard lock(mutex_);
    is_complete_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
  for (const FileBatch& batch : waiting_) finish(batch);
  waiting_.clear();
  parts_.moved_objects.end();
  work_ = nullptr;
}

// As many as there are to be had; one at least, or the process is in no state to go on.
void FileBatches::start(std::vector<std::thread>& threads) {
  try {
    threads.reserve(work_->threads);
    for (unsigned i = 0; i < work_->threads; ++i) threads.emplace_back([this] { work(*stop_); });
  } catch (const std::system_error& error) {
    if (threads.empty()) work_->not_seen({Errc::kSystem, error.code().value(), "starting a thread"}, {});
  }
}

std::uint64_t FileBatches::count(const std::atomic<bool>& stop) {
  stop_ = &stop;
  count_ = 0;
  walk_.run(parts_.table.root(), *this, stop);
  return count_;
}

// A directory that was moved is walked whole, once: where it goes after that, nothing in it is missed, and
// what moves into it is noted itself.
void FileBatches::walk_all(const std::atomic<bool>& stop) {
  walk_.run(parts_.table.root(), *this, stop);
  for (take_moved(); !moved_directories_.empty(); take_moved()) {
    for (const Link& link : std::exchange(moved_directories_, {})) {
      walk_again(link, stop);
      parts_.moved_objects.drop(link);
    }
  }
}

void FileBatches::walk_again(const Link& link, const std::atomic<bool>& stop) {
  const InodePtr directory = stop ? nullptr : find(link);
  if (!directory) return;
  if (directory->is_directory() && walked_again_.insert(directory->lower).second)
    walk_.run(directory, *this, stop);
  else
    walk_.leave(directory);
}

void FileBatches::take_moved() {
  if (work_ == nullptr) return;
  for (const Link& link : parts_.moved_objects.take()) {
    auto inode = walk_.find(link);
    if (!inode) not_seen(inode.error(), link);
    const bool is_directory = inode && (*inode)->is_directory();
    if (inode) walk_.leave(*inode);
    if (is_directory) {
      moved_directories_.push_back(link);
      continue;
    }
    if (inode && (*inode)->is_regular()) object(link);
    parts_.moved_objects.drop(link);
  }
}

bool FileBatches::enter(const InodePtr& /*directory*/) {
  take_moved();
  return true;
}

bool FileBatches::wants(const InodePtr& directory, const LowerEntry& entry) {
  if (entry.type != DT_REG && entry.type != DT_DIR && entry.type != DT_UNKNOWN) return false;
  switch (classify_lower_name(entry.name)) {
    case LowerNameKind::kPlain:
    case LowerNameKind::kHashed:
      return true;
    case LowerNameKind::kSidecar:
      return foreign_.contains(directory->number);
    case LowerNameKind::kOwn:
      return entry.name == (directory->number == kRootInode ? kLostName : kConfigName);
    case LowerNameKind::kForeign:
      return true;
  }
  return false;
}

void FileBatches::object(const Link& link) {
  ++count_;
  if (work_ == nullptr) return;
  parts_.table.pin(*link.parent);
  next_.push_back(listed(link));
  if (next_.size() < work_->batch_files) return;
  hand_over();
  take_moved();
}

ListedFile FileBatches::listed(const Link& link, InodePtr inode) const {
  return {link, is_foreign(link), link.parent->number == lost_, std::move(inode)};
}

bool FileBatches::is_foreign(const Link& link) const {
  if (foreign_.contains(link.parent->number)) return true;
  const LowerNameKind kind = classify_lower_name(link.lower_name);
  if (kind == LowerNameKind::kOwn) return link.lower_name == kConfigName;
  return link.parent->number != lost_ && kind == LowerNameKind::kForeign;
}

bool FileBatches::is_same_filesystem(const LowerId& lower) const {
  const LowerId& root = parts_.table.root()->lower;
  return lower.device_major == root.device_major && lower.device_minor == root.device_minor;
}

InodePtr FileBatches::find(const Link& link) {
  auto inode = walk_.find(link);
  if (!inode) {
    not_seen(inode.error(), link);
    return nullptr;
  }
  if ((*inode)->is_directory() && is_foreign(link)) {
    if (!is_same_filesystem((*inode)->lower)) {
      not_seen(
          {Errc::kUnsupported, 0, "another filesystem or subvolume: old copies in it are not looked for"},
          link);
      walk_.leave(*inode);
      return nullptr;
    }
    foreign_.insert((*inode)->number);
  }
  if (link.parent->number == kRootInode && link.lower_name == kLostName) lost_ = (*inode)->number;
  return *inode;
}

void FileBatches::not_listed(const Error& error, const InodePtr& directory) {
  not_seen(error, parts_.table.place(*directory, 0).link.value_or(Link{}));
}

// What is neither a directory nor a regular file was planted, and holds nothing of ours.
void FileBatches::not_seen(const Error& error, const Link& link) {
  const bool is_gone = has_errno(error, ENOENT) || has_errno(error, ESTALE) || has_errno(error, ENOTDIR);
  if (work_ == nullptr || error.code == Errc::kDamaged) return;
  if (has_errno(error, ENOENT) || (is_gone && link.parent && !walk_.may_be_there(link))) return;
  work_->not_seen(error, link);
}

// Waits while every thread has one more batch to do.
void FileBatches::hand_over() {
  if (next_.empty()) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return *stop_ || waiting_.size() < work_->threads; });
  waiting_.push_back(std::exchange(next_, {}));
  lock.unlock();
  changed_.notify_all();
}

void FileBatches::wait_for_all() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return *stop_ || (waiting_.empty() && working_ == 0); });
}

// What a batch did not find at its place was moved before it looked, and so is noted by now. Taken all at
// once and by what it is, nothing gets away again.
void FileBatches::hand_over_moved() {
  FileBatch moved;
  std::vector<std::pair<Error, Link>> unseen;
  {
    const std::shared_lock names(parts_.places.names());
    for (const Link& link : parts_.moved_objects.take()) {
      auto inode = walk_.find_named(link);
      if (!inode) unseen.emplace_back(inode.error(), link);
      moved.push_back(listed(link, inode.value_or(nullptr)));
    }
  }
  for (const auto& [error, link] : unseen) not_seen(error, link);
  for (ListedFile& file : moved) {
    if (!file.inode || !file.inode->is_regular()) {
      finish({file});
      continue;
    }
    next_.push_back(std::move(file));
    if (next_.size() >= work_->batch_files) hand_over();
  }
  hand_over();
}

void FileBatches::work(const std::atomic<bool>& stop) {
  for (;;) {
    FileBatch batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop || is_complete_ || !waiting_.empty(); });
      if (stop || waiting_.empty()) break;
      batch = std::move(waiting_.front());
      waiting_.pop_front();
      ++working_;
    }
    changed_.notify_all();
    work_->take(batch);
    finish(batch);
    const std::lock_guard lock(mutex_);
    --working_;
    changed_.notify_all();
  }
  changed_.notify_all();
}

void FileBatches::finish(const FileBatch& batch) {
  for (const ListedFile& file : batch) {
    if (file.inode) walk_.leave(file.inode);
    parts_.places.unpin(file.link.parent);
  }
}

}  // namespace enfold
