#include <cctype>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class TagsTest : public EngineFixture {
 protected:
  std::vector<Tag> tags() { return engine_->list_resource_tags(here_, arn_, {})->tags; }
  static std::vector<Tag> many(int count) {
    std::vector<Tag> out;
    for (int i = 0; i < count; ++i) out.push_back({"k" + std::to_string(i), "v"});
    return out;
  }
};

TEST_F(TagsTest, AreAddedChangedAndRemoved) {
  ASSERT_TRUE(engine_->tag_resource(here_, arn_, {{"b", "1"}, {"a", ""}}));
  ASSERT_TRUE(engine_->tag_resource(here_, id(), {{"b", "2"}, {"B", "other case"}}));
  EXPECT_EQ(tags(), (std::vector<Tag>{{"B", "other case"}, {"a", ""}, {"b", "2"}}));
  ASSERT_TRUE(engine_->untag_resource(here_, arn_, {"a", "never there"}));
  engine_ = open();
  EXPECT_EQ(tags(), (std::vector<Tag>{{"B", "other case"}, {"b", "2"}}));
}

TEST_F(TagsTest, ComeWithANewKey) {
  arn_ = engine_->create_key(here_, {.tags = {{"z", "1"}, {"a", "2"}}})->arn;
  EXPECT_EQ(tags(), (std::vector<Tag>{{"a", "2"}, {"z", "1"}}));
  EXPECT_EQ(said(engine_->create_key(here_, {.tags = {{"a", "1"}, {"a", "1"}}})), "Duplicate tag keys");
  EXPECT_EQ(said(engine_->create_key(here_, {.tags = many(51)})), "Too many tags");
}

TEST_F(TagsTest, AreRefusedWithAwsTexts) {
  EXPECT_EQ(said(engine_->tag_resource(here_, arn_, {{"a", "1"}, {"b", ""}, {"a", "2"}})),
            "Duplicate tag keys");
  for (const char* key : {"aws:x", "AWS:x", "aWs:"})
    EXPECT_EQ(said(engine_->tag_resource(here_, arn_, {{key, ""}})), "Tags beginning with aws: are reserved");
  EXPECT_TRUE(engine_->tag_resource(here_, arn_, {{"aws", ""}, {"awsx:", ""}}));
  EXPECT_EQ(outcome(engine_->tag_resource(here_, arn_, many(49))), "kms-tag");
  EXPECT_EQ(said(engine_->tag_resource(here_, arn_, many(49))), "Too many tags");
  EXPECT_EQ(tags().size(), 2U) << "none of them was added";
  EXPECT_TRUE(engine_->tag_resource(here_, arn_, many(48)));
  EXPECT_EQ(
      said(engine_->tag_resource(here_, arn_, {{"", ""}, {"k", std::string(257, 'v')}})),
      "2 validation errors detected: Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: "
      "Member must have length greater than or equal to 1; Value '" +
          std::string(256, 'v') +
          "' at 'tags.2.member.tagValue' failed to satisfy constraint: Member must have length less than "
          "or equal to 256");
  EXPECT_EQ(outcome(engine_->tag_resource(here_, arn_, {{std::string(129, 'k'), ""}})), "kms-validation");
  EXPECT_EQ(outcome(engine_->untag_resource(here_, arn_, {std::string(129, 'k')})), "kms-validation");
}

TEST_F(TagsTest, HaveLettersOfAllScriptsAndAFewSigns) {
  const std::string others = " _.:/=+-@0aZ\xc3\xa4\xe4\xb8\xad";
  EXPECT_TRUE(engine_->tag_resource(here_, arn_, {{others, others}}));
  for (int code = 0; code < 0x80; ++code) {
    const bool is_taken = std::isalnum(code) != 0 || others.contains(static_cast<char>(code));
    const std::string text{'a', static_cast<char>(code)};
    const std::string expected = is_taken ? "ok" : "Invalid tag";
    EXPECT_EQ(said(engine_->tag_resource(here_, arn_, {{text, ""}})), expected) << code;
    EXPECT_EQ(said(engine_->tag_resource(here_, arn_, {{"a", text}})), expected) << code;
    ASSERT_TRUE(engine_->untag_resource(here_, arn_, {text}));
  }
}

TEST_F(TagsTest, AreCountedInCharacters) {
  std::string umlauts;
  for (int i = 0; i < 128; ++i) umlauts += "\xc3\xa4";
  EXPECT_TRUE(engine_->tag_resource(here_, arn_, {{umlauts, ""}}));
  EXPECT_EQ(outcome(engine_->tag_resource(here_, arn_, {{umlauts + "\xc3\xa4", ""}})), "kms-validation");
  std::string faces;  // two UTF-16 units each
  for (int i = 0; i < 65; ++i) faces += "\xf0\x9f\x98\x80";
  auto refused = engine_->tag_resource(here_, arn_, {{faces, ""}});
  ASSERT_EQ(outcome(refused), "kms-validation");
  EXPECT_EQ(refused.error().message.find("\xf0\x9f\x98'"), std::string::npos) << "no character is cut";
}

TEST_F(TagsTest, ArePagedWhileSomeGo) {
  ASSERT_TRUE(engine_->tag_resource(here_, arn_, many(10)));
  auto first = engine_->list_resource_tags(here_, arn_, {.limit = 4}).value();
  ASSERT_TRUE(first.truncated);
  EXPECT_EQ(first.tags.back().key, "k3");
  ASSERT_TRUE(engine_->untag_resource(here_, arn_, {"k2", "k3", "k4"}));
  auto second = engine_->list_resource_tags(here_, arn_, {.limit = 50, .marker = first.next_marker}).value();
  EXPECT_EQ(second.tags.front().key, "k5");
  EXPECT_EQ(second.tags.size(), 5U);
  EXPECT_FALSE(second.truncated);
  EXPECT_EQ(second.next_marker, "");
  EXPECT_EQ(outcome(engine_->list_resource_tags(here_, arn_, {.limit = 51})), "kms-validation");
  EXPECT_EQ(outcome(engine_->list_resource_tags(here_, arn_, {.limit = 0})), "kms-validation");
  const std::string of_keys = [&] {
    make_key(*engine_);
    return engine_->list_keys(here_, {.limit = 1})->next_marker;
  }();
  for (const std::string& marker : {std::string("k3"), std::string("!"), of_keys})
    EXPECT_EQ(outcome(engine_->list_resource_tags(here_, arn_, {.limit = {}, .marker = marker})),
              "kms-invalid-marker");
}

}  // namespace
}  // namespace enfold
