// One operation of a remote key service, JSON in and JSON out.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>

#include "kms/client/remote_endpoint.h"

namespace enfold {

struct JsonCall {
  std::string_view target;
  std::string region;  // empty: the endpoint's own
  const boost::json::object& request;
  std::int64_t timeout_ns;
  bool is_repeatable = true;  // as RemoteCall's
  bool may_answer_nothing =
      false;  // an empty body is {}: so answer AWS's operations that have nothing to say
  std::size_t max_answer_bytes = kMaxJsonBytes;
  bool is_batch = false;  // as RemoteCall's
};

// As RemoteEndpoint::call; kKmsBadAnswer where the answer is no JSON object.
Result<boost::json::object> call_json(RemoteEndpoint& endpoint, const JsonCall& call);

// Of an ARN of any partition; empty for anything else.
std::string region_of_key(std::string_view key);
// A key's ARN and not an alias': an answer for it must name it.
bool is_key_arn(std::string_view key);

// That the answer is of the key that was asked for: kKmsBadAnswer. Answers that ARN. An id or an alias says
// nothing about the ARN that it stands for.
Result<std::string> answered_key(const boost::json::object& answer, std::string_view member,
                                 const std::string& asked);
// KeyMaterialId or the like; empty where there is none. kKmsBadAnswer where it is no id.
Result<std::string> answered_material(const boost::json::object& answer, std::string_view member);

}  // namespace enfold
