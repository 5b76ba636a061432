// Reads tests/vectors/format. The vectors are version 1: a case is never changed once released, only added.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/format/vector_decoders.h"

namespace enfold {
namespace {

using format_test::VectorCase;

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void check_ok(const Result<std::string>& decoded, const VectorCase& vector) {
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(*decoded, vector.fields.at("value"));
}

void check_refused(const Result<std::string>& decoded, const std::string& expect) {
  ASSERT_FALSE(decoded.has_value()) << *decoded;
  const std::size_t space = expect.find(' ');
  EXPECT_EQ(name_of(decoded.error().code), expect.substr(0, space));
  EXPECT_NE(decoded.error().message.find(expect.substr(space + 1)), std::string::npos)
      << decoded.error().message;
}

class FormatVectors : public testing::TestWithParam<std::string> {};

TEST_P(FormatVectors, DecodeAsTheySay) {
  const std::string path = std::string(ENFOLD_SOURCE_DIR) + "/tests/vectors/format/" + GetParam() + ".txt";
  const format_test::VectorFile file = format_test::parse_vectors(read_file(path));
  ASSERT_EQ(file.structure, GetParam());
  ASSERT_FALSE(file.cases.empty());
  for (const VectorCase& vector : file.cases) {
    SCOPED_TRACE(vector.name);
    const Result<std::string> decoded = format_test::decode_vector(file.structure, vector);
    const std::string& expect = vector.fields.at("expect");
    if (expect == "ok")
      check_ok(decoded, vector);
    else
      check_refused(decoded, expect);
  }
}

INSTANTIATE_TEST_SUITE_P(All, FormatVectors,
                         testing::Values("keys", "sector", "header", "config", "marker", "special", "name",
                                         "sidecar", "xattr-name", "xattr-value"));

TEST(FormatVectorFiles, AreAllRead) {
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(ENFOLD_SOURCE_DIR) + "/tests/vectors/format"))
    count += entry.path().extension() == ".txt" ? 1 : 0;
  EXPECT_EQ(count, 10U);
}

}  // namespace
}  // namespace enfold
