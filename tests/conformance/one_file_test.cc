// Random operations on the content of one file, as fsx makes them, each compared with the model.
#include <random>

#include "tests/conformance/describe.h"
#include "tests/conformance/implementations.h"
#include "tests/conformance/model.h"
#include "tests/conformance/random_steps.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kMaxSize = 200'000;
constexpr Slot kSlot = 1;

class OneFile : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    both("open", [](Filesystem& on) { return describe(on.open(kSlot, "file", O_RDWR | O_CREAT, 0644)); });
  }

  // The same on the model and on what is tested.
  void both(const std::string& what, const std::function<std::string(Filesystem&)>& act) {
    log_ += "  " + what + "\n";
    const std::string expected = act(model_);
    ASSERT_EQ(act(*fs), expected) << "after\n" << last_lines();
  }

  void step() {
    const std::uint64_t offset = edge();
    const std::uint64_t length = 1 + below(3) * edge() / 4;
    switch (below(12)) {
      case 0:
      case 1:
        return write(offset, length);
      case 2:
        return both("read " + range(offset, length),
                    [=](Filesystem& on) { return describe(on.read(kSlot, offset, length)); });
      case 3:
        return both("ftruncate " + std::to_string(offset),
                    [=](Filesystem& on) { return describe(on.ftruncate(kSlot, offset)); });
      case 4:
      case 5:
        return allocate(offset, length);
      case 6:
        return copy(offset, length);
      case 7:
      case 8:
        return mapped(offset, length);
      case 9:
        return both("seek " + std::to_string(offset),
                    [=, whence = below(2) == 0 ? SEEK_DATA : SEEK_HOLE](Filesystem& on) {
                      return check_seek(on, kSlot, offset, whence);
                    });
      case 10:
        return both("fsync", [](Filesystem& on) { return describe(on.sync(kSlot)); });
      default:
        return reopen();
    }
  }

  void compare() {
    both("compare", [](Filesystem& on) {
      return describe(on.fstat(kSlot)) + describe(on.read(kSlot, 0, 2 * kMaxSize));
    });
  }

  void remount() {
    model_.remount();
    fs->remount();
    both("remount", [](Filesystem& on) { return describe(on.open(kSlot, "file", O_RDWR, 0)); });
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  // Half of all offsets lie around the edge of a sector or a page.
  std::uint64_t edge() {
    const std::uint64_t unit = below(2) == 0 ? 4064 : 4096;
    if (below(2) == 0) return below(kMaxSize);
    return unit * below(kMaxSize / unit) + below(3);
  }

  static std::string range(std::uint64_t offset, std::uint64_t length) {
    return std::to_string(offset) + "+" + std::to_string(length);
  }

  std::string data(std::uint64_t length) {
    std::string out(length, '\0');
    const auto first = static_cast<unsigned char>(below(256));
    for (std::size_t at = 0; at < length; ++at) out[at] = static_cast<char>(first + at * 7 / 5);
    return out;
  }

  void write(std::uint64_t offset, std::uint64_t length) {
    both("write " + range(offset, length),
         [=, bytes = data(length)](Filesystem& on) { return describe(on.write(kSlot, offset, bytes)); });
  }

  void allocate(std::uint64_t offset, std::uint64_t length) {
    constexpr std::array kModes = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
    const int mode = kModes[below(kModes.size())];
    both("fallocate mode " + std::to_string(mode) + " " + range(offset, length),
         [=](Filesystem& on) { return describe(on.allocate(kSlot, mode, offset, length)); });
  }

  // To behind its own range, since ranges that overlap are an error. What ends with the file is copied in
  // parts, of which each makes more of it to copy.
  void copy(std::uint64_t offset, std::uint64_t length) {
    const auto size = static_cast<std::uint64_t>(model_.fstat(kSlot)->st_size);
    if (offset >= size) return;
    length = std::min(length, size - offset);
    const std::uint64_t to = offset + length + below(10'000);
    both("copy " + range(offset, length) + " to " + std::to_string(to),
         [=](Filesystem& on) { return describe(on.copy(kSlot, offset, kSlot, to, length)); });
  }

  // A mapping ends with the file.
  void mapped(std::uint64_t offset, std::uint64_t length) {
    const auto size = static_cast<std::uint64_t>(model_.fstat(kSlot)->st_size);
    if (size == 0) return;
    offset %= size;
    length = std::min(length, size - offset);
    if (below(2) == 0) {
      both("read mapped " + range(offset, length),
           [=](Filesystem& on) { return describe(on.read_mapped(kSlot, offset, length)); });
    } else {
      both("write mapped " + range(offset, length), [=, bytes = data(length)](Filesystem& on) {
        return describe(on.write_mapped(kSlot, offset, bytes));
      });
    }
  }

  void reopen() {
    both("close and open", [](Filesystem& on) {
      const std::string closed = describe(on.close(kSlot));  // first: operands of + have no order
      return closed + describe(on.open(kSlot, "file", O_RDWR, 0));
    });
  }

  std::string last_lines() {
    constexpr std::size_t kShown = 2000;
    return log_.substr(log_.size() - std::min(log_.size(), kShown));
  }

  Model model_;
  std::mt19937_64 random_{format_test::test_seed()};
  std::string log_;
};

TEST_P(OneFile, HasTheContentThatTheModelHas) {
  const int steps = format_test::is_long_form() ? 100'000 : 2'000;
  for (int number = 1; number <= steps; ++number) {
    step();
    if (number % 20 == 0) compare();
    if (number % 500 == 0) {
      remount();
      compare();
    }
    if (testing::Test::HasFailure()) FAIL() << "at step " << number;
  }
}

ENFOLD_RUN_SUITE(OneFile, implementations);

}  // namespace
}  // namespace enfold
