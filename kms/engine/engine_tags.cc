#include "kms/engine/engine.h"
#include "kms/engine/operation_rules.h"
#include "kms/engine/pages.h"
#include "kms/engine/tags.h"

namespace enfold {
namespace {

constexpr std::string_view kList = "tags";
constexpr std::int64_t kMaxLimit = 50;

}  // namespace

Result<void> Engine::tag_resource(const KmsCaller& caller, const std::string& key_id,
                                  const std::vector<Tag>& tags) {
  Validation validation;
  validate_tags(validation.key_id("keyId", key_id), tags);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY(
      change(Operation::kTagResource, caller, key_id, [&](Key& key) { return put_tags(key.tags, tags); }));
  return {};
}

Result<void> Engine::untag_resource(const KmsCaller& caller, const std::string& key_id,
                                    const std::vector<std::string>& tag_keys) {
  Validation validation;
  validation.key_id("keyId", key_id);
  for (std::size_t i = 0; i < tag_keys.size(); ++i)
    validation.length("tagKeys." + std::to_string(i + 1) + ".member", tag_keys[i], 1, 128);
  ENFOLD_TRY(validation.result());
  auto remove = [&](Key& key) -> Result<void> {
    std::erase_if(key.tags,
                  [&](const Tag& tag) { return std::ranges::find(tag_keys, tag.key) != tag_keys.end(); });
    return {};
  };
  ENFOLD_TRY(change(Operation::kUntagResource, caller, key_id, remove));
  return {};
}

Result<ListTagsAnswer> Engine::list_resource_tags(const KmsCaller& caller, const std::string& key_id,
                                                  const PageRequest& page) {
  Validation validation;
  validate_page(validation.key_id("keyId", key_id), page, kMaxLimit);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY_ASSIGN(const std::string after, read_marker(kList, page));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kListResourceTags, caller, key_id));
  const auto limit = static_cast<std::size_t>(page.limit.value_or(kMaxLimit));
  ListTagsAnswer answer;
  for (const Tag& tag : key->tags) {
    if (tag.key <= after) continue;
    if (answer.tags.size() == limit) {
      answer.truncated = true;
      answer.next_marker = make_marker(kList, answer.tags.back().key);
      break;
    }
    answer.tags.push_back(tag);
  }
  return answer;
}

}  // namespace enfold
