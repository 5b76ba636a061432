// What the kernel has open. The kernel knows a handle by its address; the table owns it, because an unmount
// does not send the RELEASE of every handle.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace enfold {

// Thread-safe; the handles themselves are as they are.
template <class T>
class HandleTable {
 public:
  std::uint64_t add(std::unique_ptr<T> handle) {
    auto id = reinterpret_cast<std::uint64_t>(handle.get());
    std::lock_guard lock(mutex_);
    handles_.emplace(id, std::move(handle));
    return id;
  }

  // `id` is one that add() gave out and take() did not get back: the kernel keeps that promise.
  static T& at(std::uint64_t id) {
    return *reinterpret_cast<T*>(id);  // NOLINT(performance-no-int-to-ptr): the kernel keeps a number
  }

  std::unique_ptr<T> take(std::uint64_t id) {
    std::lock_guard lock(mutex_);
    auto node = handles_.extract(id);
    return node ? std::move(node.mapped()) : nullptr;
  }

  void clear() {
    std::unordered_map<std::uint64_t, std::unique_ptr<T>> closing;
    std::lock_guard lock(mutex_);
    std::swap(closing, handles_);
  }

  [[nodiscard]] std::size_t size() {
    std::lock_guard lock(mutex_);
    return handles_.size();
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<T>> handles_;
};

}  // namespace enfold
