#include "tests/wire/operation_support.h"

#include <algorithm>
#include <boost/json.hpp>

#include "kms/wire/base64.h"

namespace enfold {

ReadAnswer OperationWorld::ask(std::string_view operation, const boost::json::object& request) {
  return ask_as(kAliceUnixId, operation, request);
}

ReadAnswer OperationWorld::ask_as(std::uint32_t unix_id, std::string_view operation,
                                  const boost::json::object& request) {
  return call_as(unix_id, operation, boost::json::serialize(request));
}

std::string members(const boost::json::object& object) {
  std::vector<std::string> names;
  for (const auto& member : object) names.emplace_back(member.key());
  std::ranges::sort(names);
  std::string out;
  for (const std::string& name : names) out.append(out.empty() ? "" : ",").append(name);
  return out;
}

std::string members(const ReadAnswer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  return members(answer.json());
}

std::string base64_of(std::string_view text) {
  std::string out(base64_size(text.size()), ' ');
  encode_base64(as_bytes(text), out.data());
  return out;
}

}  // namespace enfold
