// A key service in another process or on another machine, as a KmsClient: enfold-kmsd, AWS KMS, or whatever
// speaks its protocol. Many keys at once go by the operations of our own (Enfold.BatchDecrypt,
// Enfold.BatchReEncrypt) where the service has them, which it is asked once (Enfold.Ping).
#pragma once

#include <memory>

#include "kms/client/kms_client.h"
#include "kms/client/remote_endpoint.h"

namespace enfold {

// A key ARN is asked for in the ARN's own region, anything else in the endpoint's.
std::unique_ptr<KmsClient> make_remote_kms(std::shared_ptr<RemoteEndpoint> endpoint);

}  // namespace enfold
