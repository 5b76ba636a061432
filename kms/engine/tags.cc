#include "kms/engine/tags.h"

#include <algorithm>

namespace enfold {
namespace {

// "aws:", in any case.
bool is_reserved(const std::string& key) {
  constexpr std::string_view kPrefix = "aws:";
  return key.size() >= kPrefix.size() &&
         std::ranges::equal(kPrefix, key.substr(0, kPrefix.size()), {}, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
         });
}

// What AWS lets a tag have: letters, digits and blanks of all scripts, and these. Of what is not ASCII
// nothing is refused, for that takes Unicode's tables.
bool is_tag_character(char c) {
  constexpr std::string_view kOthers = " _.:/=+-@";
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
  return !is_ascii || is_letter || (c >= '0' && c <= '9') || kOthers.contains(c);
}

bool has_tag_characters(const Tag& tag) {
  return std::ranges::all_of(tag.key, is_tag_character) && std::ranges::all_of(tag.value, is_tag_character);
}

Result<void> require_valid(std::vector<Tag> tags) {
  std::ranges::sort(tags, {}, &Tag::key);
  if (!are_in_order(tags)) return make_error(Errc::kKmsTag, "Duplicate tag keys");
  if (std::ranges::any_of(tags, is_reserved, &Tag::key))
    return make_error(Errc::kKmsTag, "Tags beginning with aws: are reserved");
  if (!std::ranges::all_of(tags, has_tag_characters)) return make_error(Errc::kKmsTag, "Invalid tag");
  return {};
}

}  // namespace

void validate_tags(Validation& validation, const std::vector<Tag>& tags) {
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const std::string path = "tags." + std::to_string(i + 1) + ".member.";
    validation.length(path + "tagKey", tags[i].key, 1, 128);
    validation.length(path + "tagValue", tags[i].value, 0, 256);
  }
}

Result<void> put_tags(std::vector<Tag>& known, const std::vector<Tag>& added) {
  ENFOLD_TRY(require_valid(added));
  for (const Tag& tag : added) {
    auto place = std::ranges::lower_bound(known, tag.key, {}, &Tag::key);
    if (place != known.end() && place->key == tag.key)
      place->value = tag.value;
    else
      known.insert(place, tag);
  }
  return known.size() <= kMaxTags ? Result<void>{} : make_error(Errc::kKmsTag, "Too many tags");
}

bool are_in_order(const std::vector<Tag>& tags) {
  return std::ranges::adjacent_find(tags, std::ranges::greater_equal(), &Tag::key) == tags.end();
}

}  // namespace enfold
