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

// With words for a person: AWS sends some classes without a message.
Error explained(Error error);

// Of a service that will do no better for now, whatever else it is asked.
bool answers_nobody(const Error& error);

}  // namespace enfold
