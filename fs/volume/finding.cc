#include "fs/volume/finding.h"

namespace enfold {

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kDamage:
      return "damage";
    case Severity::kUnread:
      return "unread";
    case Severity::kForeign:
      return "foreign";
    case Severity::kLeftover:
      return "leftover";
    case Severity::kRepaired:
      return "repaired";
  }
  return "unknown";
}

}  // namespace enfold
