#include "kms/engine/key.h"

#include <algorithm>
#include <cstdlib>

namespace enfold {

std::string name_of(KeyState state) {
  switch (state) {
    case KeyState::kEnabled:
      return "Enabled";
    case KeyState::kDisabled:
      return "Disabled";
    case KeyState::kPendingDeletion:
      return "PendingDeletion";
  }
  std::abort();  // no such state is ever decoded
}

const MaterialVersion* Key::find_material(const MaterialId& material) const {
  auto found = std::ranges::find(materials, material, &MaterialVersion::id);
  return found == materials.end() ? nullptr : &*found;
}

KeyMetadata metadata_of(const Key& key) {
  KeyMetadata out{.key_id = uuid_text(key.id),
                  .arn = key.arn,
                  .scope = key.scope,
                  .creation_unix_ms = key.creation_unix_ms,
                  .state = key.state,
                  .description = key.description,
                  .current_material_id = to_hex(key.current().id),
                  .all_material_ids = {},
                  .manager = key.manager,
                  .deletion_unix_ms = key.deletion_unix_ms};
  for (const MaterialVersion& version : key.materials) out.all_material_ids.push_back(to_hex(version.id));
  return out;
}

}  // namespace enfold
