// Every file of a tree is in a batch, whatever is renamed meanwhile.
#include "fs/volume/file_batches.h"

#include <linux/fs.h>

#include <thread>

#include "fs/volume/creation.h"
#include "fs/volume/removal.h"
#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

// The parts of a tree, over what a tree has made.
class FileBatching : public testing::Test {
 protected:
  void open_parts() {
    world_.reopen();
    const Fd root = world_.files.open_at(AT_FDCWD, world_.lower(""), O_RDONLY | O_DIRECTORY, 0).value();
    const LowerId id = lower_id_of(world_.files.stat_at(root.get(), "").value());
    parts_.emplace(world_.context, id, share(world_.files.duplicate(root.get()).value()));
    removal_.emplace(*parts_);
    creation_.emplace(*parts_);
  }
  ~FileBatching() override {
    if (parts_) expect_no_inodes();
  }
  FileBatching() = default;
  FileBatching(const FileBatching&) = delete;
  FileBatching& operator=(const FileBatching&) = delete;

  // Nothing keeps an inode but the root.
  void expect_no_inodes() {
    for (InodeNumber number = kRootInode + 1; number < kRootInode + 5'000; ++number)
      EXPECT_EQ(parts_->table.find(number), nullptr) << "inode " << number;
    EXPECT_NE(parts_->table.find(kRootInode), nullptr);
  }

  // Does something in the tree of the parts; with lookups that are given back.
  Spot spot(const std::string& path, std::vector<InodePtr>& held) {
    InodePtr at = parts_->table.root();
    const auto split = split_plain(path);
    std::string rest = split.parent;
    while (!rest.empty()) {
      const std::string name = rest.substr(0, rest.find('/'));
      rest = rest.find('/') == std::string::npos ? "" : rest.substr(rest.find('/') + 1);
      const Spot next = parts_->directories.spot(at, name).value();
      at = LowerWalk(world_.files, parts_->table, parts_->places).find(next.link()).value();
      held.push_back(at);
    }
    return parts_->directories.spot(at, split.name).value();
  }
  void forget(const std::vector<InodePtr>& held) {
    for (const InodePtr& inode : held) parts_->places.forget(inode->number, 1);
  }
  void rename(const std::string& from, const std::string& to, unsigned flags = 0) {
    std::vector<InodePtr> held;
    EXPECT_TRUE(is_ok(removal_->rename(spot(from, held), spot(to, held), flags))) << from << " " << to;
    forget(held);
  }
  void unlink(const std::string& path) {
    std::vector<InodePtr> held;
    EXPECT_TRUE(is_ok(removal_->unlink(spot(path, held)))) << path;
    forget(held);
  }
  void link(const std::string& from, const std::string& to) {
    std::vector<InodePtr> held;
    const Spot at = spot(from, held);
    held.push_back(LowerWalk(world_.files, parts_->table, parts_->places).find(at.link()).value());
    const InodePtr file = held.back();
    auto linked = creation_->link(file, spot(to, held));
    EXPECT_TRUE(is_ok(linked));
    if (linked) held.push_back(*linked);
    forget(held);
  }

  // Who is at a place; nothing where it is gone.
  std::optional<std::uint64_t> look(const ListedFile& file) {
    if (file.inode) return file.inode->lower.number;
    const std::shared_lock names(parts_->places.names());
    const auto dir = parts_->places.directory(file.link.parent);
    if (!dir) return std::nullopt;
    const auto lower = world_.files.stat_at((*dir)->get(), file.link.lower_name);
    if (!lower || lower_id_of(*lower).type != S_IFREG) return std::nullopt;
    return lower->stx_ino;
  }
  using Seen = std::map<std::uint64_t, int>;  // by lower inode number: how many times
  Seen run(
      unsigned threads, std::size_t batch_files,
      const std::function<void(const FileBatch&)>& before = [](const FileBatch&) {}) {
    Seen seen;
    std::mutex mutex;
    FileBatches(*parts_).run(
        {threads, batch_files,
         [&](const FileBatch& batch) {
           EXPECT_LE(batch.size(), std::max<std::size_t>(batch_files, 1));
           before(batch);
           const std::lock_guard lock(mutex);
           for (const ListedFile& file : batch) {
             foreign_ += file.is_foreign ? 1 : 0;
             if (const auto number = look(file)) ++seen[*number];
           }
         },
         [&](const Error& error, const Link&) { not_listed_.push_back(describe(error)); }},
        stop_);
    return seen;
  }

  std::uint64_t number(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(world_.lower(path).c_str(), &status), 0) << path;
    return status.st_ino;
  }
  void make_files(const std::string& directory, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string path = (directory.empty() ? "" : directory + "/") + "f" + std::to_string(i);
      world_.make_file(path);
      numbers_[path] = number(path);
    }
  }
  void expect_all(const Seen& seen) {
    for (const auto& [path, number] : numbers_) EXPECT_TRUE(seen.contains(number)) << path;
    EXPECT_TRUE(not_listed_.empty());
  }

  RekeyWorld world_;
  std::map<std::string, std::uint64_t> numbers_;  // of what must be seen, by the path it had at first
  std::optional<TreeParts> parts_;
  std::optional<Removal> removal_;
  std::optional<Creation> creation_;
  std::atomic<bool> stop_ = false;
  std::vector<std::string> not_listed_;
  int foreign_ = 0;
};

TEST_F(FileBatching, HandsOutEachFileOnceByAnyNumberOfThreads) {
  make_files("", 20);
  world_.make_directory("d");
  world_.make_directory("d/e");
  world_.make_directory("d/empty");
  make_files("d", 7);
  make_files("d/e", 11);
  world_.make_file("d/" + std::string(200, 'l'));
  numbers_["long"] = number("d/" + std::string(200, 'l'));
  open_parts();
  for (const unsigned threads : {1U, 4U})
    for (const std::size_t batch : {1U, 3U, 256U}) {
      const Seen seen = run(threads, batch);
      expect_all(seen);
      EXPECT_EQ(seen.size(), 39U);
      for (const auto& [number, times] : seen) EXPECT_EQ(times, 1);
      expect_no_inodes();
    }
  EXPECT_EQ(FileBatches(*parts_).count(stop_), 39U);
}

TEST_F(FileBatching, HandsOutHardLinksForEachName) {
  make_files("", 1);
  ASSERT_TRUE(is_ok(world_.tree().link(world_.inode("f0"), kRootInode, "another")));
  open_parts();
  EXPECT_EQ(run(1, 256), (Seen{{numbers_["f0"], 2}}));
}

TEST_F(FileBatching, TellsWhatIsNoneOfOurFiles) {
  make_files("", 1);
  const std::filesystem::path lower = world_.lower("");
  std::filesystem::create_directory(lower / "foreign directory");
  spill(lower / "foreign directory" / "x", "x");
  spill(lower / "conflict copy", std::string(5000, 'x'));
  std::filesystem::create_symlink("conflict copy", lower / "planted link");
  world_.make_file(std::string(200, 'l'));  // with a sidecar
  world_.make_symlink("s", "target");
  open_parts();
  const Seen seen = run(1, 256);
  expect_all(seen);
  EXPECT_EQ(seen.size(), 4U) << "f0, the long one, the copy, and what is in the foreign directory";
  EXPECT_EQ(foreign_, 2);
}

TEST_F(FileBatching, SeesWhatWasSetAside) {
  make_files("", 2);
  const std::filesystem::path lost = world_.lower("") / kLostName;
  std::filesystem::create_directory(lost);
  std::filesystem::create_directory(lost / "a directory set aside");
  std::filesystem::rename(world_.lower("f0"), lost / "any name");
  std::filesystem::rename(world_.lower("f1"), lost / "a directory set aside" / world_.lower("f1").filename());
  open_parts();
  expect_all(run(1, 256));
  EXPECT_EQ(foreign_, 0);
}

TEST_F(FileBatching, TellsWhichDirectoryCannotBeListed) {
  world_.make_directory("d");
  make_files("", 1);
  open_parts();
  int lists = 0;
  world_.files.watch_order([&](const char* call, int, const std::string&) {
    if (std::string(call) == "list" && ++lists == 2) world_.files.fail_at(1, EIO);
  });
  const Seen seen = run(1, 256);
  world_.files.watch_order({});
  world_.files.heal();
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(not_listed_.size(), 1U);
  not_listed_.clear();
}

// Each of these renames comes when the file's name is in a batch, and that has not been looked at.
TEST_F(FileBatching, FollowsAFileThatIsRenamedBeforeItsLastBatchLooks) {
  make_files("", 3);
  open_parts();
  bool is_moved = false;
  const Seen seen = run(1, 256, [&](const FileBatch&) {
    if (std::exchange(is_moved, true)) return;
    rename("f0", "g0");
    rename("g0", "h0");
    rename("f1", "f2", RENAME_EXCHANGE);
  });
  expect_all(seen);
}

TEST_F(FileBatching, FollowsAFileIntoADirectoryThatWasPassed) {
  for (const char* directory : {"a", "b", "c"}) {
    world_.make_directory(directory);
    make_files(directory, 4);
  }
  open_parts();
  std::set<std::string> moved;
  const Seen seen = run(1, 2, [&](const FileBatch&) {
    for (const char* directory : {"a", "b", "c"})
      for (const char* to : {"a", "b", "c"}) {
        const std::string name = std::string(directory) + "/f" + std::to_string(moved.size() % 4);
        if (to == std::string(directory) || !moved.insert(name).second) continue;
        rename(name, std::string(to) + "/moved" + std::to_string(moved.size()));
      }
  });
  EXPECT_GT(moved.size(), 6U);
  expect_all(seen);
}

TEST_F(FileBatching, FollowsADirectoryThatIsMovedWithAllBelow) {
  for (const char* directory : {"a", "b", "c"}) {
    world_.make_directory(directory);
    world_.make_directory(std::string(directory) + "/below");
    make_files(std::string(directory) + "/below", 4);
  }
  open_parts();
  int batches = 0;
  const Seen seen = run(1, 1, [&](const FileBatch&) {
    const int turn = batches++;
    if (turn == 0) rename("a/below", "moved a");
    if (turn == 1) rename("b", "c/b");
    if (turn == 2) rename("moved a", "c/b/a again");
    if (turn == 3) rename("c", "d");
  });
  EXPECT_GT(batches, 3);
  expect_all(seen);
}

// Where a directory was, there may be a file by now.
TEST_F(FileBatching, TakesNoFileForTheDirectoryThatWasThere) {
  for (const char* directory : {"a", "x", "y", "z"}) world_.make_directory(directory);
  make_files("", 2);
  make_files("a", 2);
  open_parts();
  int lists = 0;
  world_.files.watch_order([&](const char* call, int, const std::string&) {
    if (std::string(call) != "list") return;
    if (++lists == 2) rename("a", "b");  // to be walked again
    if (lists != 3) return;
    rename("b", "c");
    rename("f0", "b");
  });
  const Seen seen = run(1, 256);
  world_.files.watch_order({});
  expect_all(seen);
}

TEST_F(FileBatching, SeesALinkThatIsMadeMeanwhile) {
  world_.make_directory("a");
  make_files("", 1);
  open_parts();
  bool is_done = false;
  const Seen seen = run(1, 256, [&](const FileBatch&) {
    if (std::exchange(is_done, true)) return;
    link("f0", "a/linked");
    unlink("f0");
  });
  expect_all(seen);
}

TEST_F(FileBatching, GivesBackWhatItHeldWhenItIsStopped) {
  make_files("", 30);
  world_.make_directory("d");
  make_files("d", 30);
  open_parts();
  for (const unsigned threads : {1U, 3U}) {
    stop_ = false;
    std::atomic<int> batches = 0;
    run(threads, 2, [&](const FileBatch&) {
      if (++batches != 3) return;
      rename("f3", "renamed" + std::to_string(threads));
      rename("renamed" + std::to_string(threads), "f3");
      stop_ = true;
    });
    EXPECT_LT(batches, 20);
    expect_no_inodes();
  }
}

TEST_F(FileBatching, LosesNothingBesideThreadsThatRenameAllTheTime) {
  for (const char* directory : {"a", "b"}) {
    world_.make_directory(directory);
    make_files(directory, 12);
  }
  open_parts();
  std::atomic<bool> ends = false;
  std::vector<std::thread> movers;
  for (int mover = 0; mover < 3; ++mover)
    movers.emplace_back([&, mover] {
      const std::string there = "f" + std::to_string(mover);
      while (!ends) {
        rename("a/" + there, "b/moved" + there);
        rename("b/" + there, "b/moved" + there, RENAME_EXCHANGE);
        rename("b/moved" + there, "a/" + there);
      }
    });
  for (int times = 0; times < 200 && !HasFailure(); ++times) expect_all(run(2, 3));
  ends = true;
  for (std::thread& mover : movers) mover.join();
}

}  // namespace
}  // namespace enfold
