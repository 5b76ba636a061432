// The engine inside this process as a KmsApi.
#pragma once

#include <memory>

#include "kms/client/kms_api.h"
#include "kms/engine/engine.h"

namespace enfold {

// Whoever has the store open administers it. A key's ARN is looked for in its own region and account,
// anything else in those of local_scope().
std::unique_ptr<KmsApi> make_embedded_api(std::shared_ptr<Engine> engine);

}  // namespace enfold
