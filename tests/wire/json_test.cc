// Base64, and JSON in memory that is wiped.
#include <boost/json.hpp>

#include "kms/wire/base64.h"
#include "kms/wire/json_memory.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

namespace json = boost::json;

std::string encoded(std::string_view text) {
  std::string out(base64_size(text.size()), '?');
  encode_base64(as_bytes(text), out.data());
  return out;
}

std::optional<std::string> decoded(std::string_view text) {
  const auto size = decoded_base64_size(text);
  if (!size) return std::nullopt;
  Bytes out(*size);
  if (!decode_base64(text, out)) return std::nullopt;
  return as_string(out);
}

TEST(Base64, TheVectorsOfItsStandard) {  // RFC 4648 section 10
  for (const auto& [plain, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"},
                                    {"\xfb\xff\xbf", "+/+/"}}) {
    EXPECT_EQ(encoded(plain), text);
    EXPECT_EQ(decoded(text), plain);
  }
}

TEST(Base64, EachByteThere) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t size = 0; size <= all.size(); ++size)
    EXPECT_EQ(decoded(encoded(all.substr(all.size() - size))), all.substr(all.size() - size));
}

TEST(Base64, OneTextForEachValue) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm8", "=", "====", "Z===", "Zg==Zg==", "Zm9v\n",
                          " Zm9v", "Zm-_", "Zm9v====", "Zm9*", "Zm\x80v", "Zg=a", "A=AA"})
    EXPECT_EQ(decoded(bad), std::nullopt) << bad;
}

TEST(Json, TheLastOfSeveralCounts) {
  JsonArena arena;
  const auto object = parse_json(R"({"a":1,"b":{"x":1},"a":"two"})", arena);
  ASSERT_TRUE(object);
  EXPECT_EQ(json::serialize(*object), R"({"a":"two","b":{"x":1}})");
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](int depth) {
    std::string text = "{\"a\":";
    for (int i = 1; i < depth; ++i) text += '[';
    text += '1';
    for (int i = 1; i < depth; ++i) text += ']';
    return text + "}";
  };
  JsonArena arena;
  EXPECT_TRUE(parse_json(nested(16), arena));
  EXPECT_FALSE(parse_json(nested(17), arena));
}

TEST(Json, AnyLengthComesThrough) {
  for (std::size_t size : {0U, 10U, 1000U, 1023U, 1024U, 5000U, 20'000U, 300'000U}) {
    JsonArena arena;
    const std::string body =
        "{\"a\":\"" + std::string(size, 'x') + "\",\"b\":[" + std::string(size % 100, ' ') + "]}";
    const auto object = parse_json(body, arena);
    ASSERT_TRUE(object);
    EXPECT_EQ(object->at("a").as_string().size(), size);
    const std::string text(json_text(*object));
    EXPECT_EQ(text, "{\"a\":\"" + std::string(size, 'x') + "\",\"b\":[]}");
  }
}

TEST(Json, AnObjectMayOutliveWhoMadeItsMemory) {
  json::object object(wiping_storage());
  object["a"] = std::string(100, 'x');
  const json::object moved = std::move(object);
  EXPECT_EQ(moved.at("a").as_string().size(), 100U);
}

}  // namespace
}  // namespace enfold
