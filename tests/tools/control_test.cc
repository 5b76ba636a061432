// The control socket against clients that are slow, silent, many or wrong.
#include "fs/control/control.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "kms/base/files.h"

namespace enfold {
namespace {

class Control : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/enfold-control-XXXXXX";
    ASSERT_NE(nullptr, ::mkdtemp(pattern.data()));
    directory_ = pattern;
    path_ = directory_ + "/socket";
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void serve(ControlServer::Handle handle) {
    auto server = ControlServer::start(path_, std::move(handle));
    ASSERT_TRUE(server) << describe(server.error());
    server_ = std::move(*server);
  }
  void serve_echo() {
    serve([](const std::string& request, const ControlServer::Emit&) { return "echo " + request; });
  }

  [[nodiscard]] Fd connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path_, address.sun_path);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(0, ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    return socket;
  }

  // Somebody who listens and never answers.
  [[nodiscard]] Fd listen() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path_, address.sun_path);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(socket.valid());
    if (!socket.valid()) return socket;
    EXPECT_EQ(0, ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    EXPECT_EQ(0, ::listen(socket.get(), 4));
    return socket;
  }

  // The last line of the answer; empty where there was none.
  [[nodiscard]] std::string ask(const std::string& request) const {
    auto answer = control_request(path_, request, [](const std::string&) { return true; });
    return answer && *answer ? **answer : std::string();
  }

  std::string directory_;
  std::string path_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(Control, AnswersWithProgressLinesAndOneLastLine) {
  serve([](const std::string& request, const ControlServer::Emit& emit) {
    EXPECT_TRUE(emit("one"));
    EXPECT_TRUE(emit("two"));
    return request + " done";
  });
  std::vector<std::string> progress;
  auto answer = control_request(path_, "work", [&](const std::string& line) {
    progress.push_back(line);
    return true;
  });
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ("work done", **answer);
  EXPECT_EQ((std::vector<std::string>{"one", "two"}), progress);
}

TEST_F(Control, IsForItsUserAlone) {
  serve_echo();
  struct stat found {};
  ASSERT_EQ(0, ::stat(path_.c_str(), &found));
  EXPECT_EQ(0600U, found.st_mode & 07777U);
}

TEST_F(Control, SaysThatNobodyListensWhereNobodyDoes) {
  auto none = control_request(path_, "x", [](const std::string&) { return true; });
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST_F(Control, RemovesItsSocketWhenItEnds) {
  serve_echo();
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Control, ReplacesTheSocketOfADeadMountButNotOfALiveOne) {
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path_, address.sun_path);
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(0, ::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }
  serve_echo();
  EXPECT_EQ("echo x", ask("x"));
  auto second = ControlServer::start(path_, [](const std::string&, const auto&) { return std::string(); });
  ASSERT_FALSE(second);
  EXPECT_EQ(Errc::kBusy, second.error().code);
  EXPECT_EQ("echo x", ask("x"));
}

TEST_F(Control, ASilentClientDelaysNeitherOthersNorTheEnd) {
  serve_echo();
  const Fd silent = connect();
  const Fd half = connect();
  ASSERT_EQ(4, ::send(half.get(), "half", 4, 0));
  EXPECT_EQ("echo x", ask("x"));
  server_.reset();
}

TEST_F(Control, AClientThatTakesNoAnswerDoesNotDelayTheEnd) {
  std::promise<void> answering;
  serve([&](const std::string&, const ControlServer::Emit& emit) {
    answering.set_value();
    const std::string line(100'000, 'x');
    while (emit(line)) {
    }
    return std::string();
  });
  const Fd greedy = connect();
  ASSERT_EQ(2, ::send(greedy.get(), "x\n", 2, 0));
  answering.get_future().wait();
  server_.reset();
}

TEST_F(Control, HangsUpOnARequestWithoutEnd) {
  std::atomic<bool> handled = false;
  serve([&](const std::string&, const ControlServer::Emit&) {
    handled = true;
    return std::string();
  });
  const Fd client = connect();
  const std::string endless(3 * kMaxControlRequestBytes, 'x');
  (void)::send(client.get(), endless.data(), endless.size(), MSG_NOSIGNAL);
  char byte = 0;
  EXPECT_GE(0, ::recv(client.get(), &byte, 1, 0));
  EXPECT_FALSE(handled);
}

TEST_F(Control, ServesAgainAfterMoreClientsThanItTakes) {
  serve_echo();
  {
    std::vector<Fd> clients;
    for (int i = 0; i < 30; ++i) clients.push_back(connect());
    // Some were hung up on; whoever asks now is told so, and never left waiting.
    (void)ask("x");
  }
  while (ask("x") != "echo x") std::this_thread::yield();
}

TEST_F(Control, TellsAHandlerThatItsClientIsGone) {
  std::promise<void> stopped;
  std::promise<void> started;
  serve([&](const std::string&, const ControlServer::Emit& emit) {
    started.set_value();
    while (emit("progress")) {
    }
    stopped.set_value();
    return std::string();
  });
  {
    const Fd client = connect();
    ASSERT_EQ(2, ::send(client.get(), "x\n", 2, 0));
    started.get_future().wait();
  }
  stopped.get_future().wait();
}

// A mount that is stopped, or that hangs on its disk, takes connections and says nothing.
TEST_F(Control, SaysWhatToDoWhereTheMountSaysNothing) {
  const Fd listener = listen();
  auto answer = control_request(
      path_, "x", [](const std::string&) { return true; }, 100);
  ASSERT_FALSE(answer);
  EXPECT_EQ(Errc::kBusy, answer.error().code);
  const std::string text = describe(answer.error());
  EXPECT_NE(text.find(path_), std::string::npos) << text;
  EXPECT_NE(text.find("does not answer"), std::string::npos) << text;
  EXPECT_NE(text.find("; "), std::string::npos) << text;
  EXPECT_NE(text.find("same command again"), std::string::npos) << text;
}

TEST_F(Control, AnswersSeveralAtATime) {
  std::promise<void> release;
  auto released = release.get_future().share();
  serve([&](const std::string& request, const ControlServer::Emit&) {
    if (request == "long") released.wait();
    return "did " + request;
  });
  auto running = std::async(std::launch::async, [&] { return ask("long"); });
  EXPECT_EQ("did short", ask("short"));
  release.set_value();
  EXPECT_EQ("did long", running.get());
}

TEST(ControlPath, IsOneForEachLowerDirectoryInAPrivateDirectory) {
  auto one = control_socket_path("/srv/a");
  auto same = control_socket_path("/srv/a");
  auto other = control_socket_path("/srv/b");
  ASSERT_TRUE(one && same && other);
  EXPECT_EQ(*one, *same);
  EXPECT_NE(*one, *other);
  struct stat found {};
  ASSERT_EQ(0, ::stat(std::filesystem::path(*one).parent_path().c_str(), &found));
  EXPECT_EQ(0700U, found.st_mode & 07777U);
  EXPECT_LT(one->size(), sizeof(sockaddr_un::sun_path));
}

}  // namespace
}  // namespace enfold
