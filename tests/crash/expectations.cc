#include "tests/crash/expectations.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "fs/format/length.h"

namespace enfold {
namespace {

std::string_view sector_of(std::string_view content, std::size_t sector) {
  const std::size_t from = std::min(sector * kSectorPlainBytes, content.size());
  return content.substr(from, kSectorPlainBytes);
}

bool all_zeros(std::string_view text) { return text.find_first_not_of('\0') == std::string_view::npos; }

// Where a version does not reach, or has a hole, there are zeros, as many as the file is long.
bool could_be(std::string_view seen, std::string_view version) {
  if (all_zeros(version)) return all_zeros(seen);
  return version.starts_with(seen);
}

bool is_below(const std::string& path, const std::string& directory) {
  return path.starts_with(directory + "/");
}

template <class Floors>
std::optional<std::size_t> newest_promise(const Floors& floors, std::size_t moment) {
  std::optional<std::size_t> out;
  for (const auto& floor : floors)
    if (floor.returned <= moment) out = std::max(out.value_or(0), floor.version);
  return out;
}

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

void Expectations::add_state(std::size_t began, Names names, const std::string& named,
                             const std::vector<std::string>& directories) {
  states_.push_back({began, std::move(names)});
  if (!named.empty()) at(named).named = states_.size() - 1;
  for (const std::string& path : directories) directory_at(path).entries = states_.size() - 1;
}

void Expectations::made(std::size_t began, const std::string& path, mode_t type, std::string content) {
  objects_.push_back({type, {{began, std::move(content)}}, {}});
  Names names = this->names();
  names[path] = objects_.size() - 1;
  add_state(began, std::move(names), path, {parent_of(path)});
}

void Expectations::changed(std::size_t began, const std::string& path, std::string content) {
  at(path).versions.push_back({began, std::move(content)});
}

// What is special is synced before it takes another's name, so it is never lost under that name.
void Expectations::renamed(std::size_t began, const std::string& from, const std::string& to) {
  if (names().contains(to) && S_ISLNK(at(from).type)) at(from).kept_state = states_.size();
  Names names;
  for (const auto& [path, object] : this->names())
    if (path != from && !is_below(path, from) && path != to) names[path] = object;
  for (const auto& [path, object] : this->names())
    if (path == from || is_below(path, from)) names[to + path.substr(from.size())] = object;
  add_state(began, std::move(names), to, {parent_of(to), parent_of(from)});
}

void Expectations::linked(std::size_t began, const std::string& path, const std::string& to) {
  Names names = this->names();
  names[to] = names.at(path);
  add_state(began, std::move(names), to, {parent_of(to)});
}

void Expectations::removed(std::size_t began, const std::string& path) {
  Names names = this->names();
  names.erase(path);
  add_state(began, std::move(names), "", {parent_of(path)});
}

void Expectations::keep(Object& object, std::size_t from) {
  object.kept_from = std::min(object.kept_from.value_or(from), from);
}

void Expectations::promise_names(std::size_t returned, std::size_t state) {
  name_floors_.push_back({returned, state});
}

void Expectations::keep_above(std::size_t from, const std::string& path) {
  for (std::string above = parent_of(path); !above.empty(); above = parent_of(above)) keep(at(above), from);
}

void Expectations::synced(std::size_t returned, const std::string& path) {
  synced_data(returned, path);
  promise_names(returned, at(path).named);
}

void Expectations::synced_data(std::size_t returned, const std::string& path) {
  Object& object = at(path);
  object.floors.push_back({returned, object.versions.size() - 1});
  keep(object, returned);
  keep_above(returned, path);
}

void Expectations::synced_directory(std::size_t returned, const std::string& path) {
  Object& directory = directory_at(path);
  keep(directory, returned);
  promise_names(returned, std::max(directory.named, directory.entries));
  for (const auto& [name, object] : names())
    if (parent_of(name) == path) keep(objects_[object], returned);
  keep_above(returned, path);
}

void Expectations::all_durable(std::size_t returned) {
  for (const auto& [path, id] : names()) {
    Object& object = objects_[id];
    object.floors.push_back({returned, object.versions.size() - 1});
    keep(object, returned);
  }
  promise_names(returned, states_.size() - 1);
}

const std::string& Expectations::content(const std::string& path) const {
  return objects_[names().at(path)].versions.back().content;
}

std::string Expectations::complaint(std::size_t moment, const SeenTree& seen, bool recovered) const {
  const std::size_t first = newest_promise(name_floors_, moment).value_or(0);
  std::string last;
  for (std::size_t state = states_.size(); state-- > first;) {
    if (states_[state].began >= moment && state > first) continue;
    std::string wrong = names_complaint(state, moment, seen, recovered);
    if (wrong.empty()) return {};
    if (last.empty() || wrong.size() < last.size()) last = std::move(wrong);
  }
  return last;
}

std::string Expectations::key(std::size_t moment) const {
  std::string out;
  const auto add = [&](bool holds) { out += holds ? '1' : '0'; };
  for (const NameState& state : states_) add(state.began < moment);
  for (const Floor& floor : name_floors_) add(floor.returned <= moment);
  for (const Object& object : objects_) {
    for (const Version& version : object.versions) add(version.began < moment);
    for (const Floor& floor : object.floors) add(floor.returned <= moment);
    add(is_kept(object, moment, 0));
  }
  return out;
}

std::string Expectations::names_complaint(std::size_t state, std::size_t moment, const SeenTree& seen,
                                          bool recovered) const {
  const Names& expected = states_[state].names;
  std::string out;
  for (const auto& [path, one] : seen)
    if (!expected.contains(path)) out += path + ": is there and should not be; ";
  for (const auto& [path, id] : expected) {
    const Object& object = objects_[id];
    const auto found = seen.find(path);
    if (found == seen.end()) {
      if (is_kept(object, moment, state)) out += path + ": is lost; ";
      continue;
    }
    const std::string wrong = object_complaint(object, state, moment, found->second, recovered);
    if (!wrong.empty()) out += path + ": " + wrong + "; ";
  }
  return out;
}

std::string Expectations::object_complaint(const Object& object, std::size_t state, std::size_t moment,
                                           const Seen& seen, bool recovered) const {
  if (seen.error) {
    if (recovered || is_kept(object, moment, state)) return describe(*seen.error);
    return {};
  }
  if (seen.type != object.type) return "has the type " + std::to_string(seen.type);
  if (S_ISLNK(object.type) && seen.content != object.versions.front().content) return "has another target";
  return S_ISREG(object.type) ? content_complaint(object, moment, seen.content) : "";
}

// Lengths: one that the file had, or where sectors of a longer one stop; the last may be a hole, which reads
// as zeros up to its end. Sectors: each as one version had it.
std::string Expectations::content_complaint(const Object& object, std::size_t moment,
                                            const std::string& content) const {
  std::vector<std::string_view> versions;
  const std::size_t floor = newest_promise(object.floors, moment).value_or(0);
  for (std::size_t i = floor; i < object.versions.size(); ++i)
    if (i == floor || object.versions[i].began < moment) versions.emplace_back(object.versions[i].content);
  const auto by_size = [](std::string_view a, std::string_view b) { return a.size() < b.size(); };
  const auto [shortest, longest] = std::ranges::minmax(versions, by_size);
  const bool was_so_long =
      std::ranges::any_of(versions, [&](std::string_view one) { return one.size() == content.size(); });
  const bool may_stop_there = content.size() % kSectorPlainBytes == 0 && content.size() >= shortest.size() &&
                              content.size() < longest.size() + kSectorPlainBytes;
  if (!was_so_long && !may_stop_there)
    return "has " + std::to_string(content.size()) + " bytes, between " + std::to_string(shortest.size()) +
           " and " + std::to_string(longest.size()) + " expected";
  for (std::size_t sector = 0; sector * kSectorPlainBytes < content.size(); ++sector) {
    const std::string_view seen = sector_of(content, sector);
    if (std::ranges::none_of(versions, [&](auto one) { return could_be(seen, sector_of(one, sector)); }))
      return "sector " + std::to_string(sector) + " of " + std::to_string(content.size()) +
             " bytes is of no version";
  }
  return {};
}

}  // namespace enfold
