// Random calls, each of which can be made on several filesystems, and says in words what it answered.
#pragma once

#include <functional>
#include <random>
#include <vector>

#include "tests/conformance/filesystem.h"

namespace enfold {

struct Step {
  std::string what;
  std::function<std::string(Filesystem&)> act;
};

class RandomSteps {
 public:
  // Chooses by what is in the model, on which each step must have been acted before the next is asked for.
  RandomSteps(Filesystem& model, std::uint64_t seed) : model_(model), random_(seed) {}
  Step next();

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  template <class List>
  auto pick(const List& list) {
    return *std::next(std::begin(list), static_cast<std::ptrdiff_t>(below(std::size(list))));
  }
  // Of anything or nothing, through real directories; more often than not of something.
  std::string path();
  Slot slot() { return static_cast<Slot>(below(6)); }
  std::uint64_t size();
  bool is_openable(const std::string& path);
  Times times();

  Step name_step();
  Step open_step();
  Step file_step();
  Step attribute_step();
  Step xattr_step();
  Step make_step(const std::string& where);
  Step rename_step();
  Step write_step();
  Step allocate_step();
  Step copy_step();

  Filesystem& model_;
  std::mt19937_64 random_;
};

// Everything that a program can see below a directory, by path.
std::map<std::string, std::string> describe_tree(Filesystem& fs);
// What differs first, "" where nothing does.
std::string first_difference(const std::map<std::string, std::string>& expected,
                             const std::map<std::string, std::string>& actual);
// Whether lseek(2) with SEEK_DATA or SEEK_HOLE answers what reads can bear out: "right" or what is wrong.
// Which zeros are holes is the filesystem's own affair.
std::string check_seek(Filesystem& fs, Slot slot, std::uint64_t offset, int whence);

}  // namespace enfold
