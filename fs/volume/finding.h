// What a pass over a volume has to tell its user about one thing in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace enfold {

enum class Severity : std::uint8_t {
  kDamage,    // does not verify: reading it gives an error
  kUnread,    // could not be verified: no permission, or the KMS refused
  kForeign,   // not made by Enfold: a planted file, a sync tool's conflict copy
  kLeftover,  // ours and harmless: a sidecar whose entry is gone, what recovery set aside
  kRepaired,  // was damage until this check
};
std::string_view name_of(Severity severity);

struct Finding {
  Severity severity;
  std::string plain_path;  // from the mount's root, "/a/b"; the directory's where the name itself is unknown
  std::string lower_path;  // from the lower directory, "x/y"
  std::string what;
};

}  // namespace enfold
