#include "kms/client/remote_json.h"

#include <algorithm>
#include <boost/json.hpp>

#include "kms/client/wiped_json.h"
#include "kms/wire/json_memory.h"

namespace enfold {
namespace {

std::string_view field(std::string_view text, int number) {
  for (; number > 0; --number) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return {};
    text.remove_prefix(colon + 1);
  }
  return text.substr(0, text.find(':'));
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<boost::json::object> call_json(RemoteEndpoint& endpoint, const JsonCall& call) {
  const WipedString body = json_text(call.request);
  ENFOLD_TRY_ASSIGN(const WipedString answer,
                    endpoint.call({call.target, call.region, body, call.timeout_ns, call.is_repeatable,
                                   call.max_answer_bytes, call.is_batch}));
  if (answer.empty() && call.may_answer_nothing) return boost::json::object();
  auto parsed = parse_wiped(answer, call.max_answer_bytes);
  if (parsed) return *std::move(parsed);
  return make_error(Errc::kKmsBadAnswer,
                    "the KMS " + endpoint.url().text + " answers something else than a JSON object");
}

std::string region_of_key(std::string_view key) {
  constexpr int kRegionField = 3;  // arn:PARTITION:kms:REGION:ACCOUNT:...
  return key.starts_with("arn:") ? std::string(field(key, kRegionField)) : std::string();
}

bool is_key_arn(std::string_view key) {
  constexpr int kResourceField = 5;
  return key.starts_with("arn:") && field(key, kResourceField).starts_with("key/");
}

Result<std::string> answered_key(const boost::json::object& answer, std::string_view member,
                                 const std::string& asked) {
  constexpr std::size_t kMaxArnBytes = 2048;
  std::string key = text_in(answer, member);
  const bool is_arn = is_key_arn(key) && key.size() <= kMaxArnBytes && is_visible(key);
  if (!is_arn)
    return make_error(Errc::kKmsBadAnswer, "The KMS answered without the ARN of a key as " +
                                               std::string(member) + ", for " + asked);
  if (is_key_arn(asked) && key != asked)
    return make_error(Errc::kKmsBadAnswer, "The KMS answered with the key " + key + " instead of " + asked);
  return key;
}

Result<std::string> answered_material(const boost::json::object& answer, std::string_view member) {
  constexpr std::size_t kMaxIdBytes = 64;
  std::string id = text_in(answer, member);
  if (id.size() <= kMaxIdBytes && is_visible(id)) return id;
  return make_error(Errc::kKmsBadAnswer, "The KMS answered no id as " + std::string(member));
}

}  // namespace enfold
