// A volume of fixed answers for the FUSE callbacks, which counts what it is asked.
#pragma once

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "fs/volume/rekey_pass.h"
#include "fs/volume/volume.h"

namespace enfold {

class FakeDirectory final : public DirectoryHandle {
 public:
  explicit FakeDirectory(const std::vector<std::string>& names) : names_(names) {}

  Result<const std::vector<DirectoryEntry>*> entries(bool rewind) override {
    if (rewind || listing_.empty()) {
      listing_.clear();
      for (const auto& name : names_)
        listing_.push_back({name, "lower-" + name, S_IFREG, 77, kFirstPosition + listing_.size()});
    }
    return &listing_;
  }
  Result<mode_t> type_of(const DirectoryEntry& entry) override { return entry.type; }
  Result<void> sync() override { return {}; }

 private:
  const std::vector<std::string>& names_;
  std::vector<DirectoryEntry> listing_;
};

// Every name in `names` is a file of inode 10; a name in `errors` gives that error.
class FakeVolume final : public Volume {
 public:
  std::vector<std::string> names;
  std::map<std::string, Error> errors;
  std::map<InodeNumber, std::uint64_t> lookups;  // counted and not given back
  AttributeChanges last_changes;
  mode_t mode = S_IFREG | 0644;  // of every file
  Bytes xattr = {1, 2, 3, 4};
  std::string last_xattr;  // set: name=value

  Result<Entry> lookup(InodeNumber /*parent*/, std::string_view name) override {
    if (auto error = errors.find(std::string(name)); error != errors.end())
      return std::unexpected(error->second);
    for (const auto& known : names) {
      if (known == name) return counted();
    }
    return system_error(ENOENT, "openat");
  }
  Result<Entry> lookup_listed(InodeNumber parent, const DirectoryEntry& entry) override {
    return lookup(parent, entry.name);
  }
  void forget(InodeNumber inode, std::uint64_t count) override { lookups[inode] -= count; }

  Result<struct stat> attributes(InodeNumber /*inode*/) override { return file_attributes(); }
  Result<struct stat> set_attributes(InodeNumber /*inode*/, const AttributeChanges& changes) override {
    last_changes = changes;
    if (changes.mode) mode = *changes.mode;
    return file_attributes();
  }
  Result<std::string> read_link(InodeNumber /*inode*/) override { return std::string("target"); }

  Result<Entry> make_directory(InodeNumber, std::string_view, mode_t, const Caller&) override {
    throw std::bad_alloc();
  }
  Result<Entry> make_symlink(InodeNumber, std::string_view, std::string_view, const Caller&) override {
    return counted();
  }
  Result<Entry> make_node(InodeNumber, std::string_view, mode_t, dev_t, const Caller&) override {
    return counted();
  }
  Result<void> unlink(InodeNumber, std::string_view) override { return {}; }
  Result<void> remove_directory(InodeNumber, std::string_view) override {
    return make_error(Errc::kNotEmpty, "not empty");
  }
  Result<void> rename(InodeNumber, std::string_view, InodeNumber, std::string_view, unsigned) override {
    return {};
  }
  Result<Entry> link(InodeNumber, InodeNumber, std::string_view) override { return counted(); }
  Result<Created> create(InodeNumber, std::string_view, mode_t, const Caller&) override {
    return make_error(Errc::kKmsUnavailable, "no answer");
  }
  Result<std::unique_ptr<FileHandle>> open_file(InodeNumber, int) override {
    return make_error(Errc::kKmsDisabled, "the key is disabled");
  }
  Result<std::unique_ptr<DirectoryHandle>> open_directory(InodeNumber) override {
    return std::make_unique<FakeDirectory>(names);
  }
  Result<struct statvfs> filesystem() override { return make_error(Errc::kDamaged, "damage"); }
  bool has_acls() override { return true; }
  void checkpointed() override {}
  Result<bool> recover(const std::atomic<bool>&) override { return true; }
  Result<bool> repair_marker(InodeNumber) override { return false; }
  std::unique_ptr<RekeyPass> rekey(unsigned, RekeyObserver&) override { return nullptr; }
  Result<Bytes> get_xattr(InodeNumber, const std::string&) override { return xattr; }
  Result<void> set_xattr(InodeNumber, const std::string& name, ByteSpan value, int) override {
    last_xattr = name + "=" + as_string(value);
    return {};
  }
  Result<std::vector<std::string>> list_xattrs(InodeNumber) override {
    return std::vector<std::string>{"user.a", "user.bc"};
  }
  Result<void> remove_xattr(InodeNumber, const std::string&) override { return {}; }

 private:
  [[nodiscard]] struct stat file_attributes() const {
    struct stat out {};
    out.st_ino = 77;
    out.st_mode = mode;
    out.st_nlink = 1;
    return out;
  }
  Entry counted() {
    ++lookups[10];
    return {.inode = 10, .attributes = file_attributes()};
  }
};

}  // namespace enfold
