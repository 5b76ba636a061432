#include "tests/conformance/acl.h"

#include <algorithm>

namespace enfold {
namespace {

constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kEntrySize = 8;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T take(std::string_view& bytes) {
  T value;
  std::ranges::copy(bytes.substr(0, sizeof value), reinterpret_cast<char*>(&value));
  bytes.remove_prefix(sizeof value);
  return value;
}

bool is_named(AclTag tag) { return tag == AclTag::kUser || tag == AclTag::kGroup; }

std::size_t count(const Acl& acl, AclTag tag) {
  return static_cast<std::size_t>(std::ranges::count(acl, tag, &AclEntry::tag));
}

// In order of the tags, with all that must be there.
bool is_valid(const Acl& acl) {
  const bool has_named = count(acl, AclTag::kUser) + count(acl, AclTag::kGroup) > 0;
  return std::ranges::is_sorted(acl, {}, &AclEntry::tag) && count(acl, AclTag::kUserObj) == 1 &&
         count(acl, AclTag::kGroupObj) == 1 && count(acl, AclTag::kOther) == 1 &&
         count(acl, AclTag::kMask) <= 1 && (!has_named || count(acl, AclTag::kMask) == 1) &&
         std::ranges::all_of(acl, [](const AclEntry& entry) { return entry.permissions <= 7; });
}

AclEntry* find(Acl& acl, AclTag tag) {
  const auto found = std::ranges::find(acl, tag, &AclEntry::tag);
  return found == acl.end() ? nullptr : &*found;
}

// The entry that the group bits of the mode stand for; each ACL has an entry of its group.
AclEntry& group_class(Acl& acl) {
  auto found = std::ranges::find(acl, AclTag::kMask, &AclEntry::tag);
  if (found == acl.end()) found = std::ranges::find(acl, AclTag::kGroupObj, &AclEntry::tag);
  return *found;
}

std::uint16_t bits(mode_t mode, int shift) { return static_cast<std::uint16_t>((mode >> shift) & 7U); }

}  // namespace

std::string encode_acl(const Acl& acl) {
  std::string out;
  put(out, kVersion);
  for (const AclEntry& entry : acl) {
    put(out, static_cast<std::uint16_t>(entry.tag));
    put(out, entry.permissions);
    put(out, entry.id);
  }
  return out;
}

std::optional<Acl> decode_acl(std::string_view bytes) {
  if (bytes.size() < sizeof kVersion || (bytes.size() - sizeof kVersion) % kEntrySize != 0)
    return std::nullopt;
  if (take<std::uint32_t>(bytes) != kVersion) return std::nullopt;
  Acl acl;
  while (!bytes.empty()) {
    AclEntry entry{static_cast<AclTag>(take<std::uint16_t>(bytes)), take<std::uint16_t>(bytes)};
    const auto id = take<std::uint32_t>(bytes);
    if (is_named(entry.tag)) entry.id = id;
    acl.push_back(entry);
  }
  if (!is_valid(acl)) return std::nullopt;
  return acl;
}

bool is_only_mode(const Acl& acl) { return acl.size() == 3; }

mode_t mode_of(const Acl& acl) {
  Acl copy = acl;
  return static_cast<mode_t>(find(copy, AclTag::kUserObj)->permissions << 6 |
                             group_class(copy).permissions << 3 | find(copy, AclTag::kOther)->permissions);
}

void change_mode(Acl& acl, mode_t mode) {
  find(acl, AclTag::kUserObj)->permissions = bits(mode, 6);
  group_class(acl).permissions = bits(mode, 3);
  find(acl, AclTag::kOther)->permissions = bits(mode, 0);
}

void inherit(Acl& acl, mode_t& mode) {
  change_mode(acl, mode & mode_of(acl));
  mode = (mode & ~mode_t{0777}) | mode_of(acl);
}

}  // namespace enfold
