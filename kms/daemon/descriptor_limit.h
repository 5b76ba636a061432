// How many descriptors the daemon may have open.
#pragma once

#include "kms/base/error.h"
#include "kms/daemon/connections.h"

namespace enfold {

// As many as the system lets it. EMFILE where that is too few for so many connections: it would listen, and
// then have none left to accept with.
Result<void> raise_descriptor_limit(const Connections::Limits& connections);

}  // namespace enfold
