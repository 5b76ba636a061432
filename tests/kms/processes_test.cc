// Several processes at one store, and processes that are killed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "tests/kms/support.h"

namespace enfold {
namespace {

// Runs `body` in a child; killed and waited for at the latest when this goes. The parent has no store open
// while it forks: SQLite does not go across a fork.
class Child {
 public:
  explicit Child(const std::function<bool()>& body) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(body() ? 0 : 1);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  void kill() const { ::kill(pid_, SIGKILL); }
  bool wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t pid_;
};

// All pages: a fast machine makes more keys than the 1,000 that one page holds.
std::size_t count_keys(Engine& engine) {
  std::size_t count = 0;
  ListKeysRequest request{.limit = 1000, .marker = {}};
  do {
    auto page = engine.list_keys(local_scope(), request);
    count += page->keys.size();
    request.marker = page->next_marker;
  } while (!request.marker->empty());
  return count;
}

class Processes : public ::testing::Test {
 protected:
  Processes() {
    make_store(dir_);
    arn_ = make_key(*open_engine(dir_));
  }
  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  std::string arn_;
};

TEST_F(Processes, LoseNoneOfEachOthersChanges) {
  auto make_keys = [&] {
    auto engine = open_engine(dir_);
    for (int i = 0; i < 20; ++i)
      if (!engine->create_key(local_scope(), {})) return false;
    return true;
  };
  auto rotate = [&] {
    auto engine = open_engine(dir_);
    for (int i = 0; i < 10; ++i)
      if (!engine->rotate_key_on_demand(local_scope(), arn_)) return false;
    return true;
  };
  Child first(make_keys);
  Child second(make_keys);
  Child third(rotate);
  Child fourth(rotate);
  EXPECT_TRUE(first.wait());
  EXPECT_TRUE(second.wait());
  EXPECT_TRUE(third.wait());
  EXPECT_TRUE(fourth.wait());
  auto engine = open_engine(dir_);
  EXPECT_EQ(count_keys(*engine), 41U);
  EXPECT_EQ(engine->describe_key(local_scope(), arn_)->all_material_ids.size(), 21U);
}

TEST_F(Processes, MakeAnAliasAndAnAwsKeyOnce) {
  std::array<int, 2> made{};
  ASSERT_EQ(::pipe(made.data()), 0);
  auto work = [&] {
    auto engine = open_engine(dir_);
    for (int i = 0; i < 20; ++i) {
      const bool first = engine->create_alias(local_scope(), "alias/" + std::to_string(i), arn_).has_value();
      if (first && ::write(made[1], "a", 1) != 1) return false;
    }
    return engine->describe_key(local_scope(), "alias/aws/s3").has_value();
  };
  {
    Child first(work);
    Child second(work);
    Child third(work);
    EXPECT_TRUE(first.wait());
    EXPECT_TRUE(second.wait());
    EXPECT_TRUE(third.wait());
  }
  ::close(made[1]);
  int count = 0;
  for (char byte = 0; ::read(made[0], &byte, 1) == 1;) ++count;
  ::close(made[0]);
  EXPECT_EQ(count, 20);
  auto engine = open_engine(dir_);
  EXPECT_EQ(count_keys(*engine), 2U);
  EXPECT_EQ(engine->list_aliases(local_scope(), arn_, {})->aliases.size(), 20U);
}

TEST_F(Processes, SeeADisableAtTheNextCall) {
  std::array<int, 2> go{};
  ASSERT_EQ(::pipe(go.data()), 0);
  Child child([&] {
    char byte = 0;
    return ::read(go[0], &byte, 1) == 1 && open_engine(dir_)->disable_key(local_scope(), arn_).has_value();
  });
  auto engine = open_engine(dir_);
  EXPECT_TRUE(engine->encrypt(local_scope(), {arn_, as_bytes("x"), {}}));
  EXPECT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_TRUE(child.wait());
  EXPECT_EQ(outcome(engine->encrypt(local_scope(), {arn_, as_bytes("x"), {}})), "kms-disabled");
  ::close(go[0]);
  ::close(go[1]);
}

// A child tells each key that it was promised; then it is killed at a random point. Every promised key is
// there, the store verifies and takes the next writer at once.
TEST_F(Processes, KeepWhatWasAnsweredWhenKilled) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 15; ++round) {
    std::array<int, 2> told{};
    ASSERT_EQ(::pipe(told.data()), 0);
    const std::size_t before = count_keys(*open_engine(dir_));
    Child child([&] {
      auto engine = open_engine(dir_);
      while (engine->create_key(local_scope(), {}))
        if (::write(told[1], "k", 1) != 1) return false;
      return false;
    });
    ::close(told[1]);
    char byte = 0;
    std::size_t promised = static_cast<std::size_t>(::read(told[0], &byte, 1));  // the child is at work now
    ::usleep(static_cast<useconds_t>(random() % 20'000));
    child.kill();
    child.wait();
    while (::read(told[0], &byte, 1) == 1) ++promised;
    ::close(told[0]);
    auto engine = open_engine(dir_);
    ASSERT_NE(engine, nullptr);
    const std::size_t after = count_keys(*engine);
    EXPECT_GE(after, before + promised);
    EXPECT_LE(after, before + promised + 1);
    EXPECT_TRUE(engine->create_key(local_scope(), {}));
  }
}

}  // namespace
}  // namespace enfold
