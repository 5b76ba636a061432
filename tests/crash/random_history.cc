#include "tests/crash/random_history.h"

#include <array>
#include <set>

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;
constexpr std::size_t kLongest = 5 * kSector;

class RandomApp {
 public:
  RandomApp(App& app, std::uint64_t seed) : app_(app), random_(seed) {}

  void step() {
    const std::uint64_t which = random_.below(20);
    if (which < 7) return change_content();
    if (which < 9) return sync();
    if (which < 11) return make();
    if (which < 13) return move();
    if (which == 13) return remove();
    if (which == 14) return app_.fsync_directory(some(directories_, "").value_or(""));
    if (which == 15) return app_.checkpoint();
    if (which < 18) return make_directory();
    make_symlink();
  }

 private:
  template <class Set>
  std::optional<std::string> some(const Set& from, const std::optional<std::string>& besides = {}) {
    const std::size_t size = from.size() + (besides ? 1 : 0);
    if (size == 0) return std::nullopt;
    const std::size_t at = random_.below(size);
    return at == from.size() ? besides : *std::next(from.begin(), static_cast<std::ptrdiff_t>(at));
  }
  char fill() { return static_cast<char>('A' + random_.below(26)); }
  std::string below(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
  }
  std::string new_path() {
    const std::string name = (random_.below(4) == 0 ? std::string(190, 'l') : "n") + std::to_string(++names_);
    return below(*some(directories_, ""), name);
  }

  void change_content() {
    const auto path = some(files_);
    if (!path) return make();
    app_.open(*path);
    for (std::uint64_t i = random_.below(3); i < 3; ++i) {
      const std::uint64_t which = random_.below(6);
      if (which < 2)
        app_.resize(*path, random_.below(kLongest));
      else if (which == 2)
        allocate(*path);
      else
        app_.write(*path, random_.below(kLongest), 1 + random_.below(2 * kSector), fill());
      if (random_.below(4) == 0) app_.fdatasync(*path);
      if (random_.below(8) == 0) app_.checkpoint();
    }
    app_.close(*path);
  }
  void allocate(const std::string& path) {
    constexpr std::array kModes{0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
    const std::size_t offset = random_.below(3) == 0 ? 0 : random_.below(kLongest);
    app_.allocate(path, kModes[random_.below(kModes.size())], offset, 1 + random_.below(3 * kSector));
  }
  void sync() {
    const auto path = some(files_);
    if (!path) return;
    app_.open(*path);
    app_.fsync(*path);
    app_.close(*path);
  }
  void make() {
    const std::string path = new_path();
    app_.make_file(path, random_.below(2 * kSector), fill());
    files_.insert(path);
  }
  void make_directory() {
    const std::string path = new_path();
    app_.mkdir(path);
    directories_.insert(path);
  }
  void make_symlink() {
    const std::string path = new_path();
    app_.symlink("target of " + std::to_string(names_), path);
    symlinks_.insert(path);
  }
  void move() {
    auto& kind = random_.below(3) == 0 ? symlinks_ : files_;
    const auto from = some(kind);
    if (!from) return;
    const auto target = some(kind);
    const std::string to = random_.below(2) == 0 ? *target : new_path();
    if (to == *from) return;
    app_.rename(*from, to);
    kind.erase(*from);
    kind.insert(to);
  }
  void remove() {
    auto& kind = random_.below(3) == 0 ? symlinks_ : files_;
    const auto path = some(kind);
    if (!path) return;
    app_.unlink(*path);
    kind.erase(*path);
  }

  App& app_;
  format_test::SeededEntropy random_;
  std::size_t names_ = 0;
  std::set<std::string> files_;
  std::set<std::string> directories_;
  std::set<std::string> symlinks_;
};

}  // namespace

History random_history(const std::string& name, std::size_t calls) {
  return {name, nullptr, [name, calls](App& app, RecordingFiles&) {
            RandomApp random(app, format_test::test_seed() + std::hash<std::string>()(name));
            for (std::size_t i = 0; i < calls && !testing::Test::HasFailure(); ++i) random.step();
          }};
}

}  // namespace enfold
