#include "tests/kms/support.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "kms/store/store_admin.h"

namespace enfold {

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/enfold-kms-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void make_store(const std::string& dir) {
  FixedPassphrase unused;
  Result<void> made = create_store(dir, {}, unused);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(unused.asked, 0);
}

std::unique_ptr<Engine> open_engine(const std::string& dir) {
  FixedPassphrase unused;
  Result<std::unique_ptr<Engine>> engine = open_embedded_engine(dir, unused);
  EXPECT_TRUE(engine) << describe(engine.error());
  return engine ? *std::move(engine) : nullptr;
}

std::string make_key(Engine& engine) {
  Result<KeyMetadata> key = engine.create_key(local_scope(), {});
  EXPECT_TRUE(key) << describe(key.error());
  return key ? key->arn : "";
}

namespace {

struct RawDatabase {
  explicit RawDatabase(const std::string& dir) {
    EXPECT_EQ(sqlite3_open((dir + "/kms.db").c_str(), &handle), SQLITE_OK);
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;
  ~RawDatabase() { sqlite3_close(handle); }
  sqlite3* handle = nullptr;
};

}  // namespace

void raw_sql(const std::string& dir, const std::string& sql) {
  RawDatabase database(dir);
  EXPECT_EQ(sqlite3_exec(database.handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database.handle) << " in " << sql;
}

Bytes raw_blob(const std::string& dir, const std::string& query) {
  RawDatabase database(dir);
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(database.handle, query.c_str(), -1, &statement, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW) << query;
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, 0));
  Bytes out(data, data + sqlite3_column_bytes(statement, 0));
  sqlite3_finalize(statement);
  return out;
}

std::vector<std::vector<std::string>> vectors(const std::string& name) {
  std::ifstream file(std::string(ENFOLD_SOURCE_DIR "/tests/vectors/kms/") + name);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream in(line);
    lines.emplace_back();
    for (std::string field; in >> field;) lines.back().push_back(field);
  }
  EXPECT_GT(lines.size(), 5U) << name;
  return lines;
}

Bytes vector_bytes(const std::string& field) {
  Bytes out;
  if (field != "-") {
    EXPECT_TRUE(from_hex(field, out)) << field;
  }
  return out;
}

std::uint64_t test_seed() {
  const char* given = std::getenv("ENFOLD_TEST_SEED");
  std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "ENFOLD_TEST_SEED=" << seed << '\n' << std::flush;
  return seed;
}

}  // namespace enfold
