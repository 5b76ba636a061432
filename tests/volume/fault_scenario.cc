#include "tests/volume/fault_scenario.h"

#include <tuple>

namespace enfold {
namespace {

const std::string kLong(200, 'n');
constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

Result<void> drop(const auto& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

}  // namespace

Result<FaultSession::Place> FaultSession::place(const std::string& path) {
  const SplitPlainPath split = split_plain(path);
  ENFOLD_TRY_ASSIGN(const InodeNumber parent, find_path(tree(), split.parent));
  return Place{parent, split.name};
}

FileHandle* FaultSession::handle(const std::string& path) {
  const auto found = handles_.find(path);
  return found == handles_.end() ? nullptr : found->second.get();
}

Result<void> FaultSession::create(const std::string& path) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place at, place(path));
    ENFOLD_TRY_ASSIGN(auto created, tree().create(at.parent, at.name, 0644, world_.caller()));
    handles_[path] = std::move(created.handle);
    return {};
  }();
  model_.made(path, {}, done.has_value());
  return done;
}

Result<void> FaultSession::open(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
  ENFOLD_TRY_ASSIGN(handles_[path], tree().open_file(inode, O_RDWR));
  return {};
}

Result<void> FaultSession::write(const std::string& path, std::size_t offset, std::size_t size) {
  FileHandle* const file = handle(path);
  if (file == nullptr) return {};
  const Bytes bytes = random_bytes(world_.entropy, size);
  const auto done = file->write(offset, bytes);
  model_.written(path, offset, as_string(bytes), done.has_value());
  return done;
}

Result<void> FaultSession::sync(const std::string& path, bool data_only) {
  FileHandle* const file = handle(path);
  if (file == nullptr) return {};
  const int before = world_.files.failed_syncs();
  const auto done = file->sync(data_only);
  if (!done && world_.files.failed_syncs() > before) unsynced_.insert(path);
  return done;
}

Result<void> FaultSession::close(const std::string& path) {
  FileHandle* const file = handle(path);
  if (file == nullptr) return {};
  const auto done = file->flush();
  std::ignore = file->release();
  handles_.erase(path);
  return done;
}

void FaultSession::close_all() {
  while (!handles_.empty()) std::ignore = close(handles_.begin()->first);
}

Result<void> FaultSession::allocate(const std::string& path, int mode, std::size_t offset, std::size_t size) {
  FileHandle* const file = handle(path);
  if (file == nullptr) return {};
  const auto done = file->allocate(mode, offset, size);
  model_.allocated(path, mode, offset, size, done.has_value());
  return done;
}

Result<void> FaultSession::resize(const std::string& path, std::size_t length) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
    AttributeChanges changes;
    changes.length = length;
    return drop(tree().set_attributes(inode, changes));
  }();
  model_.resized(path, length, done.has_value());
  return done;
}

Result<void> FaultSession::make_directory(const std::string& path) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place at, place(path));
    return drop(tree().make_directory(at.parent, at.name, 0755, world_.caller()));
  }();
  model_.made(path, {.type = S_IFDIR}, done.has_value());
  return done;
}

Result<void> FaultSession::make_symlink(const std::string& path, const std::string& target) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place at, place(path));
    return drop(tree().make_symlink(at.parent, at.name, target, world_.caller()));
  }();
  model_.made(path, {.type = S_IFLNK, .versions = {target}}, done.has_value());
  return done;
}

Result<void> FaultSession::make_fifo(const std::string& path) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place at, place(path));
    return drop(tree().make_node(at.parent, at.name, S_IFIFO | 0600, 0, world_.caller()));
  }();
  model_.made(path, {.type = S_IFIFO}, done.has_value());
  return done;
}

Result<void> FaultSession::rename(const std::string& from, const std::string& to) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place from_place, place(from));
    ENFOLD_TRY_ASSIGN(const Place to_place, place(to));
    return tree().rename(from_place.parent, from_place.name, to_place.parent, to_place.name, 0);
  }();
  model_.renamed(from, to, done.has_value());
  return done;
}

Result<void> FaultSession::link(const std::string& from, const std::string& to) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), from));
    ENFOLD_TRY_ASSIGN(const Place at, place(to));
    return drop(tree().link(inode, at.parent, at.name));
  }();
  model_.linked(from, to, done.has_value());
  return done;
}

Result<void> FaultSession::unlink(const std::string& path) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place at, place(path));
    return tree().unlink(at.parent, at.name);
  }();
  model_.removed(path, done.has_value());
  return done;
}

Result<void> FaultSession::remove_directory(const std::string& path) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const Place at, place(path));
    return tree().remove_directory(at.parent, at.name);
  }();
  model_.removed(path, done.has_value());
  return done;
}

Result<void> FaultSession::sync_directory(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
  ENFOLD_TRY_ASSIGN(const auto directory, tree().open_directory(inode));
  const int before = world_.files.failed_syncs();
  const auto done = directory->sync();
  if (!done && world_.files.failed_syncs() > before) unsynced_.insert(path);
  return done;
}

Result<void> FaultSession::set_xattr(const std::string& path, const std::string& value) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
    return tree().set_xattr(inode, FaultModel::kXattrName, as_bytes(value), 0);
  }();
  model_.xattr_set(path, value, done.has_value());
  return done;
}

Result<void> FaultSession::remove_xattr(const std::string& path) {
  const auto done = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
    return tree().remove_xattr(inode, FaultModel::kXattrName);
  }();
  model_.xattr_set(path, std::nullopt, done.has_value());
  return done;
}

Result<void> FaultSession::set_mode(const std::string& path, mode_t mode) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
  AttributeChanges changes;
  changes.mode = mode;
  return drop(tree().set_attributes(inode, changes));
}

// An incomplete listing that says nothing would be taken for a complete one.
Result<void> FaultSession::list(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, find_path(tree(), path));
  ENFOLD_TRY_ASSIGN(const auto directory, tree().open_directory(inode));
  ENFOLD_TRY_ASSIGN(const auto* const entries, directory->entries(true));
  for (const char* name : {"durable", kLong.c_str()})
    EXPECT_EQ(std::ranges::count(*entries, std::string(name), &DirectoryEntry::name), 1)
        << name << " is not listed";
  return {};
}

Result<void> FaultSession::checkpoint() { return volume_.checkpoint(); }

std::vector<FaultStep> steps_before() {
  using Session = FaultSession;
  std::vector<FaultStep> steps;
  for (const char* path : {"durable", "shrunk", "target", "victim", "tagged", "punched"})
    steps.push_back({"make a file", [path](Session& s) -> Result<void> {
                       ENFOLD_TRY(s.create(path));
                       ENFOLD_TRY(s.write(path, 0, 3 * kSectorPlainBytes + 777));
                       ENFOLD_TRY(s.sync(path));
                       return s.close(path);
                     }});
  steps.push_back({"make a directory", [](Session& s) { return s.make_directory("gone"); }});
  steps.push_back({"make a symlink", [](Session& s) { return s.make_symlink("link", "old target"); }});
  steps.push_back({"make a long name", [](Session& s) -> Result<void> {
                     ENFOLD_TRY(s.create(kLong));
                     return s.close(kLong);
                   }});
  return steps;
}

std::vector<FaultStep> steps_of_a_mount() {
  using Session = FaultSession;
  return {
      {"list", [](Session& s) { return s.list(""); }},
      {"create", [](Session& s) { return s.create("new"); }},
      {"write to a new file", [](Session& s) { return s.write("new", 0, 9'000); }},
      {"fsync of a new file", [](Session& s) { return s.sync("new"); }},
      {"append", [](Session& s) { return s.write("new", 9'000, 5'000); }},
      {"close of a new file", [](Session& s) { return s.close("new"); }},
      {"open", [](Session& s) { return s.open("durable"); }},
      {"overwrite", [](Session& s) { return s.write("durable", 3'000, 6'000); }},
      {"fsync", [](Session& s) { return s.sync("durable"); }},
      {"append to a durable file",
       [](Session& s) { return s.write("durable", 3 * kSectorPlainBytes + 777, 9'000); }},
      {"checkpoint", [](Session& s) { return s.checkpoint(); }},
      {"fdatasync", [](Session& s) { return s.sync("durable", true); }},
      {"shrink", [](Session& s) { return s.resize("shrunk", 6'000); }},
      {"grow by a hole", [](Session& s) { return s.resize("shrunk", 60'000); }},
      {"open what was shrunk", [](Session& s) { return s.open("shrunk"); }, true},
      {"fill", [](Session& s) { return s.write("shrunk", 20'000, 9'000); }},
      {"fsync of what was shrunk", [](Session& s) { return s.sync("shrunk"); }},
      {"open to punch", [](Session& s) { return s.open("punched"); }},
      {"punch", [](Session& s) { return s.allocate("punched", kPunch, 3'000, 6'000); }},
      {"refill", [](Session& s) { return s.write("punched", 5'000, 2'000); }},
      {"reserve", [](Session& s) { return s.allocate("punched", 0, 10'000, 10'000); }},
      {"zero over the end",
       [](Session& s) { return s.allocate("punched", FALLOC_FL_ZERO_RANGE, 9'000, 20'000); }},
      {"fsync of what was punched", [](Session& s) { return s.sync("punched"); }},
      {"punch again", [](Session& s) { return s.allocate("punched", kPunch, 0, 5'000); }},
      {"mkdir", [](Session& s) { return s.make_directory("d"); }},
      {"mkdir below", [](Session& s) { return s.make_directory("d/e"); }},
      {"create below", [](Session& s) { return s.create("d/e/f"); }},
      {"write below", [](Session& s) { return s.write("d/e/f", 0, 100); }},
      {"fsync below", [](Session& s) { return s.sync("d/e/f"); }},
      {"close below", [](Session& s) { return s.close("d/e/f"); }},
      {"create to rename", [](Session& s) { return s.create("tmp"); }},
      {"write to rename", [](Session& s) { return s.write("tmp", 0, 5'000); }},
      {"fsync to rename", [](Session& s) { return s.sync("tmp"); }},
      {"close to rename", [](Session& s) { return s.close("tmp"); }},
      {"rename over", [](Session& s) { return s.rename("tmp", "target"); }},
      {"fsync of the root", [](Session& s) { return s.sync_directory(""); }},
      {"create to rename to a long name", [](Session& s) { return s.create("short"); }},
      {"close to rename to a long name", [](Session& s) { return s.close("short"); }},
      {"rename to a long name", [](Session& s) { return s.rename("short", "d/" + kLong); }},
      {"symlink", [](Session& s) { return s.make_symlink("link.new", "new target"); }},
      {"rename of a symlink", [](Session& s) { return s.rename("link.new", "link"); }},
      {"symlink below", [](Session& s) { return s.make_symlink("d/s", "target"); }},
      {"mkfifo", [](Session& s) { return s.make_fifo("d/p"); }},
      {"fsync of a directory", [](Session& s) { return s.sync_directory("d"); }},
      {"link", [](Session& s) { return s.link("victim", "d/linked"); }},
      {"unlink", [](Session& s) { return s.unlink("victim"); }},
      {"rmdir", [](Session& s) { return s.remove_directory("gone"); }},
      {"setxattr", [](Session& s) { return s.set_xattr("tagged", "red"); }},
      {"checkpoint again", [](Session& s) { return s.checkpoint(); }},
      {"removexattr", [](Session& s) { return s.remove_xattr("tagged"); }},
      {"chmod", [](Session& s) { return s.set_mode("tagged", 0600); }},
      {"move a directory", [](Session& s) { return s.rename("d/e", "moved"); }, true},
      {"overwrite what was shrunk", [](Session& s) { return s.write("shrunk", 0, 5'000); }},
      {"close of what was shrunk", [](Session& s) { return s.close("shrunk"); }},
      {"close", [](Session& s) { return s.close("durable"); }},
      {"close of what was punched", [](Session& s) { return s.close("punched"); }},
  };
}

PreparedVolume::PreparedVolume() {
  auto volume = world.open();
  EXPECT_TRUE(is_ok(volume));
  {
    FaultSession session(world, **volume, model);
    for (const FaultStep& step : steps_before()) EXPECT_TRUE(is_ok(step.act(session))) << step.name;
  }
  EXPECT_TRUE(is_ok((*volume)->close()));
  volume->reset();
  world.keep();
}

PreparedVolume& PreparedVolume::get() {
  static PreparedVolume once;
  return once;
}

}  // namespace enfold
