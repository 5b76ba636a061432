#include "fs/volume/unsynced.h"

#include <algorithm>

namespace enfold {

void Unsynced::made(const LowerId& directory, const std::string& lower_name, const LowerId& object) {
  {
    const std::lock_guard lock(mutex_);
    enter(directory, lower_name, object, true);
  }
  epochs_.changed();
}

void Unsynced::begun(const LowerId& directory, const std::string& lower_name, const LowerId& file) {
  const std::lock_guard lock(mutex_);
  enter(directory, lower_name, file, false);
}

void Unsynced::written(const LowerId& file) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(file);
    if (found == objects_.end()) return;
    found->second.entered = stamp();
    found->second.is_written = true;
  }
  epochs_.changed();
}

void Unsynced::rewritten_marker(const LowerId& directory) {
  {
    const std::lock_guard lock(mutex_);
    objects_[directory].entered = stamp();
    count();
  }
  epochs_.changed();
}

void Unsynced::made_sidecar(const LowerId& directory, const std::string& sidecar_name) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_new = directories_[directory].sidecars.insert_or_assign(sidecar_name, stamp()).second;
    if (is_new) ++sidecar_count_;
    count();
  }
  epochs_.changed();
}

void Unsynced::enter(const LowerId& directory, const std::string& lower_name, const LowerId& object,
                     bool is_written) {
  if (const auto old = objects_.find(object); old != objects_.end()) erase(old);
  objects_.emplace(object, Object{stamp(), is_written, {}});
  add_name(directory, lower_name, object);
  count();
}

void Unsynced::add_name(const LowerId& directory, const std::string& lower_name, const LowerId& object) {
  drop_name(directory, lower_name);
  Directory& names = directories_[directory];
  if (names.objects.size() >= kMaxNames) {
    names.overflow = stamp();
    return;
  }
  names.objects.emplace(lower_name, object);
  objects_.at(object).names.emplace_back(directory, lower_name);
}

void Unsynced::drop_name(const LowerId& directory, const std::string& lower_name) {
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return;
  const auto name = names->second.objects.find(lower_name);
  if (name == names->second.objects.end()) return;
  if (const auto object = objects_.find(name->second); object != objects_.end())
    std::erase(object->second.names, std::pair(directory, lower_name));
  names->second.objects.erase(name);
  drop_if_empty(directory);
}

void Unsynced::drop_sidecar(const LowerId& directory, const std::string& sidecar_name) {
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return;
  sidecar_count_ -= names->second.sidecars.erase(sidecar_name);
  drop_if_empty(directory);
}

void Unsynced::drop_if_empty(const LowerId& directory) {
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return;
  const Directory& those = names->second;
  if (those.objects.empty() && those.sidecars.empty() && !those.overflow) directories_.erase(names);
}

Unsynced::Objects::iterator Unsynced::erase(Objects::iterator object) {
  for (const auto& [directory, name] : object->second.names) {
    const auto names = directories_.find(directory);
    if (names == directories_.end()) continue;
    names->second.objects.erase(name);
    drop_if_empty(directory);
  }
  return objects_.erase(object);
}

bool Unsynced::contains(const LowerId& object) const {
  if (empty()) return false;
  const std::lock_guard lock(mutex_);
  return objects_.contains(object);
}

bool Unsynced::contains_sidecar(const LowerId& directory, const std::string& sidecar_name) const {
  if (empty()) return false;
  const std::lock_guard lock(mutex_);
  const auto names = directories_.find(directory);
  return names != directories_.end() && names->second.sidecars.contains(sidecar_name);
}

void Unsynced::linked(const LowerId& directory, const std::string& lower_name, const LowerId& object) {
  const std::lock_guard lock(mutex_);
  if (objects_.contains(object)) add_name(directory, lower_name, object);
}

void Unsynced::unlinked(const LowerId& directory, const std::string& lower_name, const LowerId& object) {
  const std::lock_guard lock(mutex_);
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return;
  const auto name = names->second.objects.find(lower_name);
  if (name != names->second.objects.end() && name->second == object) drop_name(directory, lower_name);
}

void Unsynced::removed(const LowerId& object) {
  const std::lock_guard lock(mutex_);
  if (const auto found = objects_.find(object); found != objects_.end()) erase(found);
  if (const auto names = directories_.find(object); names != directories_.end()) {
    sidecar_count_ -= names->second.sidecars.size();
    directories_.erase(names);
  }
  count();
}

void Unsynced::removed_sidecar(const LowerId& directory, const std::string& sidecar_name) {
  const std::lock_guard lock(mutex_);
  drop_sidecar(directory, sidecar_name);
  count();
}

Unsynced::Waiting Unsynced::in_directory(const LowerId& directory) const {
  Waiting waiting;
  const std::lock_guard lock(mutex_);
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return waiting;
  for (const auto& [name, object] : names->second.objects)
    if (objects_.at(object).is_written) waiting.objects.emplace_back(name, object);
  for (const auto& [name, entered] : names->second.sidecars) waiting.sidecars.push_back(name);
  waiting.too_many = names->second.overflow || waiting.objects.size() + waiting.sidecars.size() > kMaxNames;
  return waiting;
}

void Unsynced::synced(const LowerId& object, Mark mark) {
  if (empty()) return;
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(object);
  if (found == objects_.end() || !found->second.is_written || found->second.entered.mark > mark) return;
  erase(found);
  count();
}

void Unsynced::synced_sidecar(const LowerId& directory, const std::string& sidecar_name, Mark mark) {
  const std::lock_guard lock(mutex_);
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return;
  const auto sidecar = names->second.sidecars.find(sidecar_name);
  if (sidecar == names->second.sidecars.end() || sidecar->second.mark > mark) return;
  drop_sidecar(directory, sidecar_name);
  count();
}

Unsynced::Mark Unsynced::mark() const {
  const std::lock_guard lock(mutex_);
  return last_mark_;
}

void Unsynced::synced_all(Mark mark) {
  drop_where([mark](const Stamp& entered) { return entered.mark <= mark; });
}

void Unsynced::drop_durable() {
  drop_where([durable = epochs_.durable()](const Stamp& entered) { return entered.epoch <= durable; });
}

template <class Predicate>
void Unsynced::drop_where(const Predicate& predicate) {
  const std::lock_guard lock(mutex_);
  for (auto object = objects_.begin(); object != objects_.end();)
    object = object->second.is_written && predicate(object->second.entered) ? erase(object) : ++object;
  for (auto& [id, names] : directories_) {
    if (names.overflow && predicate(*names.overflow)) names.overflow.reset();
    sidecar_count_ -= std::erase_if(names.sidecars, [&](const auto& one) { return predicate(one.second); });
  }
  std::erase_if(directories_, [](const auto& one) {
    return one.second.objects.empty() && one.second.sidecars.empty() && !one.second.overflow;
  });
  count();
}

}  // namespace enfold
