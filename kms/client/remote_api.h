// A key service in another process or on another machine as a KmsApi.
#pragma once

#include <memory>

#include "kms/client/kms_api.h"
#include "kms/client/remote_endpoint.h"

namespace enfold {

// Where a call names no region, a key's ARN in the request does. What must not be done twice, such as
// CreateKey, is not repeated where its answer got lost.
std::unique_ptr<KmsApi> make_remote_api(std::shared_ptr<RemoteEndpoint> endpoint);

}  // namespace enfold
