#include "fs/volume/inode.h"

#include <array>
#include <utility>

namespace enfold {
namespace {

constexpr std::array<std::pair<SpecialKind, mode_t>, 5> kSpecialTypes = {{
    {SpecialKind::kSymlink, S_IFLNK},
    {SpecialKind::kFifo, S_IFIFO},
    {SpecialKind::kSocket, S_IFSOCK},
    {SpecialKind::kCharDevice, S_IFCHR},
    {SpecialKind::kBlockDevice, S_IFBLK},
}};

}  // namespace

mode_t type_of(const StatX& lower) {
  if (S_ISDIR(lower.stx_mode)) return S_IFDIR;
  if (!S_ISREG(lower.stx_mode)) return 0;
  const std::optional<SpecialKind> special = special_kind_of(lower.stx_size);
  if (!special) return S_IFREG;
  for (const auto& [kind, type] : kSpecialTypes)
    if (kind == *special) return type;
  return S_IFREG;
}

SpecialKind special_kind_of_type(mode_t type) {
  for (const auto& [kind, its_type] : kSpecialTypes)
    if (its_type == type) return kind;
  return SpecialKind::kSymlink;
}

LowerId lower_id_of(const StatX& lower) {
  const bool has_birth = (lower.stx_mask & STATX_BTIME) != 0;
  return {lower.stx_dev_major,
          lower.stx_dev_minor,
          lower.stx_ino,
          has_birth ? lower.stx_btime.tv_sec : 0,
          has_birth ? lower.stx_btime.tv_nsec : 0,
          type_of(lower)};
}

void Inode::set_body(std::shared_ptr<FileBody> body) {
  const std::lock_guard lock(mutex_);
  body_.swap(body);  // the old one goes after the lock
}

void Inode::set_directory_id(const DirectoryId& id) {
  const std::lock_guard lock(mutex_);
  directory_id_ = id;
}

void Inode::set_owner_id(const FileId& id) {
  const std::lock_guard lock(mutex_);
  owner_id_ = id;
}

void Inode::set_special(std::shared_ptr<const Special> special) {
  const std::lock_guard lock(mutex_);
  special_ = std::move(special);
}

void Inode::set_has_default_acl(std::optional<bool> has) {
  const std::lock_guard lock(mutex_);
  has_default_acl_ = has;
}

void Inode::set_settled(const Settled& settled) {
  const std::lock_guard lock(mutex_);
  settled_ = settled;
}

}  // namespace enfold
