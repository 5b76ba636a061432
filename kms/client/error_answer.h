// What a key service says when it refuses.
#pragma once

#include <boost/json/fwd.hpp>

#include "kms/base/error.h"
#include "kms/client/connection.h"

namespace enfold {

// Of an answer whose status is not 200. Texts are cut to a line without control characters.
Error error_of_reply(const HttpReply& reply);
// Of an entry of a batch: {"__type", "message"}.
Error error_of_entry(const boost::json::object& error);

}  // namespace enfold
