// Eight writers over a tree that is re-keyed all the time: nothing is lost, and nothing stays behind.
#include <array>
#include <thread>

#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

constexpr int kWriters = 8;
constexpr std::array kDirectories = {"", "a", "b", "a/c"};

// Works on names of its own in shared directories, and knows what each file holds.
class Writer {
 public:
  Writer(RekeyWorld& world, int number)
      : world_(world),
        prefix_("w" + std::to_string(number) + "."),
        random_(format_test::test_seed() + 900 + static_cast<std::uint64_t>(number)) {}

  void run(const std::atomic<bool>& ends) {
    while (!ends) step();
    for (int left = 50; left > 0; --left) step();
  }
  void expect_all() {
    for (const auto& [path, content] : files_)
      EXPECT_EQ(world_.read(path).value_or("(error)"), *content) << path;
  }
  [[nodiscard]] std::size_t files() const { return files_.size(); }

 private:
  using Content = std::shared_ptr<std::string>;  // one for all names of a file

  std::string new_path() {
    const std::string directory = kDirectories[random_.below(kDirectories.size())];
    return (directory.empty() ? "" : directory + "/") + prefix_ + std::to_string(next_++) +
           (random_.below(8) == 0 ? std::string(190, 'n') : "");
  }
  std::string any_path() {
    return std::next(files_.begin(), static_cast<long>(random_.below(files_.size())))->first;
  }

  // By lookups that are given back.
  template <class Act>
  void at(const std::string& path, Act act) {
    const InodeNumber inode = world_.inode(path);
    ASSERT_NE(inode, 0U) << path;
    act(inode);
    if (inode != kRootInode) world_.tree().forget(inode, 1);
  }

  void step() {
    if (files_.size() < 4 || (files_.size() < 24 && random_.below(3) == 0)) return create();
    switch (random_.below(7)) {
      case 0:
        return rename();
      case 1:
        return link();
      case 2:
        return unlink();
      case 3:
        return truncate();
      case 4:
        return read();
      default:
        return write();
    }
  }
  void create() {
    const std::string path = new_path();
    const SplitPlainPath split = split_plain(path);
    at(split.parent, [&](InodeNumber parent) {
      auto made = world_.tree().create(parent, split.name, 0644, world_.caller());
      ASSERT_TRUE(is_ok(made)) << path;
      files_[path] = std::make_shared<std::string>();
      write(*made->handle, *files_[path]);
      EXPECT_TRUE(is_ok(made->handle->release()));
      world_.tree().forget(made->entry.inode, 1);
    });
  }
  void write(FileHandle& handle, std::string& content) {
    const std::size_t offset = random_.below(content.size() + 1);
    const std::string bytes(1 + random_.below(6'000), static_cast<char>('a' + random_.below(26)));
    EXPECT_TRUE(is_ok(handle.write(offset, as_bytes(bytes))));
    content.resize(std::max(content.size(), offset + bytes.size()));
    content.replace(offset, bytes.size(), bytes);
    EXPECT_TRUE(is_ok(handle.flush()));
  }
  void write() {
    const std::string path = any_path();
    at(path, [&](InodeNumber inode) {
      auto handle = world_.tree().open_file(inode, O_RDWR);
      ASSERT_TRUE(is_ok(handle)) << path;
      write(**handle, *files_[path]);
      EXPECT_TRUE(is_ok((*handle)->release()));
    });
  }
  void read() {
    const std::string path = any_path();
    at(path, [&](InodeNumber inode) {
      EXPECT_EQ(read_inode(world_.tree(), inode).value_or("(error)"), *files_[path]) << path;
    });
  }
  void truncate() {
    const std::string path = any_path();
    AttributeChanges changes;
    changes.length = random_.below(9'000);
    at(path, [&](InodeNumber inode) { EXPECT_TRUE(is_ok(world_.tree().set_attributes(inode, changes))); });
    files_[path]->resize(*changes.length);
  }
  void rename() {
    const std::string from = any_path();
    const bool replaces = random_.below(4) == 0;
    const std::string to = replaces ? any_path() : new_path();
    if (files_[from] == files_[to]) return;  // one file: rename(2) does nothing
    at(split_plain(from).parent, [&](InodeNumber from_directory) {
      at(split_plain(to).parent, [&](InodeNumber to_directory) {
        EXPECT_TRUE(is_ok(world_.tree().rename(from_directory, split_plain(from).name, to_directory,
                                               split_plain(to).name, 0)));
      });
    });
    files_[to] = files_[from];
    files_.erase(from);
  }
  void link() {
    const std::string from = any_path();
    const std::string to = new_path();
    at(from, [&](InodeNumber inode) {
      at(split_plain(to).parent, [&](InodeNumber directory) {
        auto linked = world_.tree().link(inode, directory, split_plain(to).name);
        ASSERT_TRUE(is_ok(linked));
        world_.tree().forget(linked->inode, 1);
      });
    });
    files_[to] = files_[from];
  }
  void unlink() {
    const std::string path = any_path();
    at(split_plain(path).parent, [&](InodeNumber directory) {
      EXPECT_TRUE(is_ok(world_.tree().unlink(directory, split_plain(path).name)));
    });
    files_.erase(path);
  }

  RekeyWorld& world_;
  const std::string prefix_;
  format_test::SeededEntropy random_;
  std::map<std::string, Content> files_;
  int next_ = 0;
};

TEST(RekeyThreads, LoseNothingAndLeaveNothingBehind) {
  RekeyWorld world;
  world.files.skip_syncs(true);
  for (const char* directory : kDirectories)
    if (*directory != '\0') world.make_directory(directory);
  std::vector<std::unique_ptr<Writer>> writers;
  for (int number = 0; number < kWriters; ++number)
    writers.push_back(std::make_unique<Writer>(world, number));
  std::atomic<bool> ends = false;
  std::vector<std::thread> threads;
  for (const auto& writer : writers) threads.emplace_back([&] { writer->run(ends); });

  RekeyTarget target;
  for (int turn = 0; turn < 9 && !testing::Test::HasFailure(); ++turn) {
    const std::string key = turn % 3 == 1 ? kFakeOtherArn : kFakeKeyArn;
    if (turn % 3 == 2) world.kms.rotate(key);
    target = turn % 3 == 0 ? world.to_new_data_keys(key) : world.to(key);
    const auto counts = world.rekey_files(target, 2);
    EXPECT_TRUE(is_ok(counts));
    EXPECT_EQ(counts.value_or(RekeyCounts{}).left, 0U) << "turn " << turn;
    // The writers go on, and yet there is nothing under another key.
    const auto uses = world.tree().rekey(1, world.log)->count(target);
    ASSERT_TRUE(is_ok(uses));
    EXPECT_EQ(uses->size(), 1U) << "turn " << turn;
    EXPECT_TRUE(uses->contains({target.key_arn, target.material_id})) << "turn " << turn;
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(world.log.findings.empty()) << world.log.findings.front().what;

  world.reopen();
  world.kms.set_state(kFakeOtherArn, "Disabled");
  std::destroy_at(&world.cache);
  std::construct_at(&world.cache, world.routes, world.keys, world.clock, world.entropy, kFakeKeyArn,
                    KeyCache::Limits{});
  std::size_t files = 0;
  for (const auto& writer : writers) {
    writer->expect_all();
    files += writer->files();
  }
  std::size_t listed = 0;
  for (const char* directory : kDirectories)
    for (const std::string& name : world.names(directory)) listed += name.starts_with('w') ? 1 : 0;
  EXPECT_EQ(listed, files);
}

}  // namespace
}  // namespace enfold
