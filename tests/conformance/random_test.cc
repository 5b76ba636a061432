// Random operations on all implementations at once, compared with the model step by step.

#include "tests/conformance/implementations.h"
#include "tests/conformance/model.h"
#include "tests/conformance/random_steps.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

// "nnnnnn" of a long name as "n*6".
std::string shortened(const std::string& text) {
  constexpr std::size_t kLong = 8;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of(text[at], at), text.size());
    out += end - at < kLong ? text.substr(at, end - at) : text[at] + ("*" + std::to_string(end - at));
    at = end;
  }
  return out;
}

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : steps_(model_, seed) {
    for (const Implementation& one : implementations()) others_.emplace_back(one.name, one.make());
    model_.set_umask(022);
    for (auto& [name, fs] : others_) fs->set_umask(022);
  }

  void step() {
    const Step step = steps_.next();
    log_.push_back(shortened(step.what));
    if (log_.size() > 20) log_.erase(log_.begin());
    const std::string expected = step.act(model_);
    for (auto& [name, fs] : others_) ASSERT_EQ(step.act(*fs), expected) << name << " after\n" << history();
  }

  void compare_trees() {
    const auto expected = describe_tree(model_);
    for (auto& [name, fs] : others_)
      ASSERT_EQ(shortened(first_difference(expected, describe_tree(*fs))), "") << name << " after\n"
                                                                               << history();
  }

  void remount() {
    model_.remount();
    for (auto& [name, fs] : others_) fs->remount();
    log_.emplace_back("remount");
  }

 private:
  std::string history() {
    std::string out;
    for (const std::string& line : log_) out += "  " + line + "\n";
    return out;
  }

  Model model_;
  RandomSteps steps_;
  std::vector<std::pair<std::string, std::unique_ptr<Filesystem>>> others_;
  std::vector<std::string> log_;
};

TEST(RandomOperations, AreAnsweredAsTheModelSays) {
  const int steps = format_test::is_long_form() ? 20'000 : 2'000;
  RandomRun run(format_test::test_seed());
  for (int step = 1; step <= steps; ++step) {
    run.step();
    if (testing::Test::HasFatalFailure()) FAIL() << "at step " << step;
    if (step % 100 == 0) run.compare_trees();
    if (step % 500 == 0) {
      run.remount();
      run.compare_trees();
    }
    if (testing::Test::HasFatalFailure()) FAIL() << "comparing after step " << step;
  }
}

}  // namespace
}  // namespace enfold
