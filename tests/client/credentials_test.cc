#include "kms/client/credentials.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>

#include "tests/client/support.h"

namespace enfold {
namespace {

constexpr const char* kFile =
    "# a comment\n"
    "[default]\n"
    "aws_access_key_id = AKIADEFAULT\n"
    "aws_secret_access_key=first/secret+=\r\n"
    "\n"
    "[ work ]\n"
    "  aws_access_key_id=AKIAWORK\n"
    "; aws_access_key_id=AKIAOTHER\n"
    "aws_secret_access_key = second\n"
    "aws_session_token = a-token\n"
    "region = eu-west-1\n"
    "[half]\n"
    "aws_access_key_id = AKIAHALF\n"
    "[strange]\n"
    "aws_access_key_id = AKIA STRANGE\n"
    "aws_secret_access_key = third";

std::string secret_of(const ClientAccessKey& key) { return as_string(key.secret.expose()); }

TEST(Credentials, ReadsAProfile) {
  const auto first = read_credentials(kFile, "default");
  ASSERT_TRUE(first) << describe(first.error());
  EXPECT_EQ(first->id, "AKIADEFAULT");
  EXPECT_EQ(secret_of(*first), "first/secret+=");
  EXPECT_EQ(first->session_token, "");
  const auto work = read_credentials(kFile, "work");
  ASSERT_TRUE(work);
  EXPECT_EQ(work->id + " " + secret_of(*work) + " " + work->session_token, "AKIAWORK second a-token");
}

TEST(Credentials, SaysWhatIsMissingAndShowsNoSecret) {
  for (const char* profile : {"none", "half", "strange", ""}) {
    const auto key = read_credentials(kFile, profile);
    EXPECT_EQ(outcome(key), "kms-unauthenticated") << profile;
    EXPECT_NE(key.error().message.find("[" + std::string(profile) + "]"), std::string::npos);
    for (const char* secret : {"first", "second", "third"})
      EXPECT_EQ(key.error().message.find(secret), std::string::npos) << key.error().message;
  }
  EXPECT_EQ(outcome(read_credentials("", "default")), "kms-unauthenticated");
}

class CredentialsFile : public ::testing::Test {
 protected:
  CredentialsFile() {
    environment_.set("AWS_ACCESS_KEY_ID", std::nullopt);
    environment_.set("AWS_SECRET_ACCESS_KEY", std::nullopt);
    environment_.set("AWS_SHARED_CREDENTIALS_FILE", path_);
  }
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  static std::string id_found_by(Credentials& credentials) {
    const auto key = credentials.find();
    return key ? (*key)->id : describe(key.error());
  }

  TempDir temp_;
  std::string path_ = temp_ / "credentials";
  ClientEnvironment environment_;
  PosixFiles files_;
};

TEST_F(CredentialsFile, TakesTheEnvironmentFirst) {
  write(kFile);
  environment_.set("AWS_ACCESS_KEY_ID", "AKIAENV");
  environment_.set("AWS_SECRET_ACCESS_KEY", "env-secret");
  environment_.set("AWS_SESSION_TOKEN", "env-token");
  auto key = Credentials(files_).find();
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)->id + " " + secret_of(**key) + " " + (*key)->session_token,
            "AKIAENV env-secret env-token");
}

TEST_F(CredentialsFile, RefusesHalfAKeyInTheEnvironmentEvenBesideAFile) {
  write(kFile);
  environment_.set("AWS_ACCESS_KEY_ID", "AKIAENV");
  EXPECT_EQ(outcome(Credentials(files_).find()), "kms-unauthenticated");
  environment_.set("AWS_SECRET_ACCESS_KEY", "x\r\nX-Evil: y");
  EXPECT_EQ(outcome(Credentials(files_).find()), "kms-unauthenticated");
}

TEST_F(CredentialsFile, TakesTheNamedProfileOfTheNamedFileOrTheOneAtHome) {
  write(kFile);
  EXPECT_EQ((*Credentials(files_).find())->id, "AKIADEFAULT");
  environment_.set("AWS_PROFILE", "work");
  EXPECT_EQ((*Credentials(files_).find())->id, "AKIAWORK");
  environment_.set("AWS_PROFILE", "default");
  environment_.set("AWS_SHARED_CREDENTIALS_FILE", std::nullopt);
  environment_.set("HOME", temp_ / "home");
  EXPECT_EQ(outcome(Credentials(files_).find()), "kms-unauthenticated");
  std::filesystem::create_directories(temp_ / "home/.aws");
  std::filesystem::create_symlink(path_, temp_ / "home/.aws/credentials");
  EXPECT_EQ((*Credentials(files_).find())->id, "AKIADEFAULT");
  environment_.set("HOME", std::nullopt);
  EXPECT_EQ(outcome(Credentials(files_).find()), "kms-unauthenticated");
}

TEST_F(CredentialsFile, ReadsTheFileAgainWhenItChanged) {
  Credentials credentials(files_);
  EXPECT_EQ(outcome(credentials.find()), "kms-unauthenticated");
  write(kFile);
  const auto before = credentials.find();
  ASSERT_TRUE(before);
  EXPECT_EQ(credentials.find()->get(), before->get()) << "it has not changed";
  std::filesystem::remove(path_);
  write("[default]\naws_access_key_id=AKIANEW\naws_secret_access_key=new\n");
  EXPECT_EQ((*credentials.find())->id, "AKIANEW");
  EXPECT_EQ((*before)->id, "AKIADEFAULT") << "who holds the old one goes on";
}

// An editor that rewrites the file leaves it empty, half or away for a moment, and programs on the mount got
// EACCES.
TEST_F(CredentialsFile, KeepsTheKeyWhileTheFileHasNoneAndWarnsOncePerChange) {
  const std::vector<std::function<void()>> changes{[&] { write(""); },
                                                   [&] { write("[default]\naws_access_key_id=AKIANEW\n"); },
                                                   [&] { std::filesystem::remove(path_); }};
  Credentials credentials(files_);
  for (const auto& change : changes) {
    write(kFile);
    ASSERT_EQ((*credentials.find())->id, "AKIADEFAULT");
    change();
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(id_found_by(credentials), "AKIADEFAULT");
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find(path_), std::string::npos) << log;
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
    EXPECT_EQ(log.find("first/secret"), std::string::npos);
  }
  write("[default]\naws_access_key_id=AKIANEW\naws_secret_access_key=new\n");
  EXPECT_EQ(id_found_by(credentials), "AKIANEW");
}

TEST_F(CredentialsFile, KeepsNoKeyThatTheServiceRefused) {
  write(kFile);
  Credentials credentials(files_);
  EXPECT_EQ(id_found_by(credentials), "AKIADEFAULT");
  write("");
  EXPECT_EQ(id_found_by(credentials), "AKIADEFAULT");
  credentials.forget();
  EXPECT_EQ(outcome(credentials.find()), "kms-unauthenticated");
  write(kFile);
  EXPECT_EQ(id_found_by(credentials), "AKIADEFAULT");
}

// Opening a FIFO waits for who writes to it, and all calls of a mount would wait with it.
TEST_F(CredentialsFile, RefusesAFifoAtOnceAndSaysSo) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  Credentials credentials(files_);
  auto found = std::async(std::launch::async, [&] { return credentials.find(); });
  const bool is_prompt = found.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  if (!is_prompt) const std::ofstream writer(path_);  // lets it go on
  EXPECT_TRUE(is_prompt);
  const auto key = found.get();
  ASSERT_EQ(outcome(key), "kms-unauthenticated");
  EXPECT_NE(key.error().message.find(path_ + ": it is no regular file"), std::string::npos)
      << key.error().message;
}

// A mount goes to / when it leaves its terminal.
class StartedElsewhere : public CredentialsFile {
 protected:
  StartedElsewhere() : before_(std::filesystem::current_path()) {
    std::filesystem::create_directories(temp_ / "home/.aws");
    std::filesystem::current_path(temp_ / "");
  }
  StartedElsewhere(const StartedElsewhere&) = delete;
  StartedElsewhere& operator=(const StartedElsewhere&) = delete;
  ~StartedElsewhere() override { std::filesystem::current_path(before_); }

  std::string found_after_leaving() {
    Credentials credentials(files_);
    std::filesystem::current_path("/");
    const auto key = credentials.find();
    std::filesystem::current_path(temp_ / "");
    return key ? (*key)->id : describe(key.error());
  }

 private:
  std::filesystem::path before_;
};

TEST_F(StartedElsewhere, ARelativePathIsThatOfTheBeginning) {
  write(kFile);
  environment_.set("AWS_SHARED_CREDENTIALS_FILE", "credentials");
  EXPECT_EQ(found_after_leaving(), "AKIADEFAULT");
  environment_.set("AWS_SHARED_CREDENTIALS_FILE", std::nullopt);
  environment_.set("HOME", "home");
  std::filesystem::rename(path_, temp_ / "home/.aws/credentials");
  EXPECT_EQ(found_after_leaving(), "AKIADEFAULT");
}

TEST_F(CredentialsFile, RefusesAHugeFileAndADirectory) {
  write(std::string((1U << 20U) + 1, '#'));
  EXPECT_EQ(outcome(Credentials(files_).find()), "kms-unauthenticated");
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(outcome(Credentials(files_).find()), "kms-unauthenticated");
}

}  // namespace
}  // namespace enfold
