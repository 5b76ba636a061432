// POSIX ACLs as acl(5) has them and as the xattrs system.posix_acl_access and system.posix_acl_default carry
// them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enfold {

inline constexpr const char* kAccessAcl = "system.posix_acl_access";
inline constexpr const char* kDefaultAcl = "system.posix_acl_default";

// The tags of linux/posix_acl.h, in the order that an ACL has them.
enum class AclTag : std::uint16_t {
  kUserObj = 1,
  kUser = 2,
  kGroupObj = 4,
  kGroup = 8,
  kMask = 16,
  kOther = 32
};

struct AclEntry {
  AclTag tag;
  std::uint16_t permissions = 0;
  std::uint32_t id = 0xffffffff;  // of a kUser or kGroup
  bool operator==(const AclEntry&) const = default;
};

using Acl = std::vector<AclEntry>;

std::string encode_acl(const Acl& acl);
// Nothing where the kernel says EINVAL.
std::optional<Acl> decode_acl(std::string_view bytes);
// True where the mode says as much. The group bits of a mode are the mask where there is one.
bool is_only_mode(const Acl& acl);
mode_t mode_of(const Acl& acl);
// chmod(2) of what has this ACL.
void change_mode(Acl& acl, mode_t mode);
// A new object of this mode gets the ACL from its directory's default: both are cut to what the other allows.
void inherit(Acl& acl, mode_t& mode);

}  // namespace enfold
