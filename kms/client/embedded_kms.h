// The engine inside this process as a KmsClient.
#pragma once

#include <memory>

#include "kms/client/kms_client.h"
#include "kms/engine/engine.h"

namespace enfold {

// A key ARN is addressed in the ARN's own region and account, a bare id in local_scope().
std::unique_ptr<KmsClient> make_embedded_kms(std::shared_ptr<Engine> engine);

}  // namespace enfold
