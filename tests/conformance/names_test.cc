// Names and paths.
#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class Names : public Conformance {
 protected:
  std::set<std::string> listed(const std::string& path = "") {
    std::set<std::string> names;
    const auto entries = fs->list(path);
    EXPECT_DONE(entries);
    if (entries)
      for (const auto& [name, type] : *entries) names.insert(name);
    return names;
  }
};

std::string repeated(const std::string& piece, std::size_t bytes) {
  std::string out;
  while (out.size() + piece.size() <= bytes) out += piece;
  return out + std::string(bytes - out.size(), 'x');
}

const std::set<std::string>& long_names() {
  static const std::set<std::string> names = {
      repeated("a", 255),         repeated("ä", 255),  repeated("漢", 255),      repeated("😀", 255),
      repeated("a\xcc\x88", 255), repeated("漢", 254), repeated("Ä", 253),       std::string(255, '\xff'),
      std::string(254, '.'),      repeated(" ", 255),  repeated("%2e\\\n", 250), repeated("ß", 175)};
  return names;
}

TEST_P(Names, Of255BytesAreKeptWhateverTheirBytes) {
  for (const std::string& name : long_names()) make_file(name, name);
  now_and_after_a_remount([&] {
    EXPECT_EQ(listed(), long_names());
    for (const std::string& name : long_names()) EXPECT_EQ(content(name), name);
  });
}

TEST_P(Names, Of255BytesAreRenamedLinkedAndRemoved) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  for (const std::string& name : long_names()) {
    make_file("x", name);
    ASSERT_DONE(fs->rename("x", "dir/" + name, 0));
    ASSERT_DONE(fs->link("dir/" + name, name));
    ASSERT_DONE(fs->rename(name, name, 0));
  }
  EXPECT_EQ(listed(), [] {
    auto names = long_names();
    names.insert("dir");
    return names;
  }());
  fs->remount();
  EXPECT_EQ(listed("dir"), long_names());
  for (const std::string& name : long_names()) {
    EXPECT_EQ(content("dir/" + name), name);
    ASSERT_DONE(fs->unlink("dir/" + name));
    ASSERT_DONE(fs->unlink(name));
    ASSERT_DONE(fs->mkdir(name, 0755));
    ASSERT_DONE(fs->rmdir(name));
    ASSERT_DONE(fs->symlink(name, name));
    EXPECT_EQ(fs->readlink(name).value(), name);
    ASSERT_DONE(fs->unlink(name));
  }
  ASSERT_DONE(fs->rmdir("dir"));
  EXPECT_EQ(listed(), std::set<std::string>{});
}

TEST_P(Names, Of256BytesAreTooLongForEachCall) {
  const std::string name(256, 'n');
  make_file("file");
  EXPECT_ERRNO(ENAMETOOLONG, fs->lstat(name));
  EXPECT_ERRNO(ENAMETOOLONG, fs->open(1, name, O_RDWR | O_CREAT, 0644));
  EXPECT_ERRNO(ENAMETOOLONG, fs->mkdir(name, 0755));
  EXPECT_ERRNO(ENAMETOOLONG, fs->mknod(name, S_IFIFO | 0600, 0));
  EXPECT_ERRNO(ENAMETOOLONG, fs->symlink("target", name));
  EXPECT_ERRNO(ENAMETOOLONG, fs->link("file", name));
  EXPECT_ERRNO(ENAMETOOLONG, fs->rename("file", name, 0));
  EXPECT_ERRNO(ENAMETOOLONG, fs->rename(name, "file", 0));
  EXPECT_ERRNO(ENAMETOOLONG, fs->unlink(name));
  EXPECT_ERRNO(ENAMETOOLONG, fs->rmdir(name));
  EXPECT_ERRNO(ENAMETOOLONG, fs->lstat(name + "/below"));
  EXPECT_EQ(listed(), std::set<std::string>{"file"});
}

TEST_P(Names, ThatDifferInCaseOrNormalisationOnlyAreDifferent) {
  const std::set<std::string> names = {"readme", "README", "ReadMe", "\xc3\xa4", "a\xcc\x88", "\xc3\x84",
                                       "ss",     "ß",      "file",   "ﬁle",      " file",     "file "};
  for (const std::string& name : names) make_file(name, name);
  now_and_after_a_remount([&] {
    EXPECT_EQ(listed(), names);
    for (const std::string& name : names) EXPECT_EQ(content(name), name);
  });
}

TEST_P(Names, OfTheLowerFilesAreFreeForEverybody) {
  const std::set<std::string> names = {
      "enfold.volume", "enfold.lock", "enfold.dir", "enfold.lost", "lost+found",
      "...",           "-rf",         "\n",         "\x01\x7f",    "%"};
  for (const std::string& name : names) make_file(name, name);
  now_and_after_a_remount([&] {
    EXPECT_EQ(listed(), names);
    for (const std::string& name : names) EXPECT_EQ(content(name), name);
  });
}

TEST_P(Names, AreListedWithTheirTypes) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  make_each_type("dir");
  now_and_after_a_remount([&] {
    const auto entries = fs->list("dir");
    ASSERT_DONE(entries);
    ASSERT_EQ(entries->size(), kTypes.size());
    for (const auto& [name, type] : *entries) EXPECT_EQ(type, status("dir/" + name).st_mode & S_IFMT) << name;
  });
}

TEST_P(Names, ThatDoNotFitAPathAreRefused) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    const bool is_directory = S_ISDIR(status(type).st_mode);
    if (type == "symlink") continue;
    EXPECT_ERRNO(is_directory ? ENOENT : ENOTDIR, fs->lstat(type + "/missing")) << type;
    EXPECT_ERRNO(is_directory ? 0 : ENOTDIR, fs->mkdir(type + "/new", 0755)) << type;
    EXPECT_ERRNO(is_directory ? EISDIR : 0, fs->unlink(type)) << type;
    if (is_directory) continue;
    EXPECT_ERRNO(ENOENT, fs->rmdir(type)) << type;
  }
  make_file("file");
  EXPECT_ERRNO(ENOTDIR, fs->rmdir("file"));
  EXPECT_ERRNO(ENOTEMPTY, fs->rmdir("full"));
  EXPECT_ERRNO(EISDIR, fs->unlink("full"));
  EXPECT_ERRNO(ENOENT, fs->mkdir("missing/dir", 0755));
  EXPECT_ERRNO(ENOENT, fs->lstat("symlink/missing"));
  EXPECT_ERRNO(ENOTDIR, fs->list("file"));
}

TEST_P(Names, ThatAreTakenAreRefusedForEachType) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    EXPECT_ERRNO(EEXIST, fs->mkdir(type, 0755)) << type;
    EXPECT_ERRNO(EEXIST, fs->mknod(type, S_IFREG | 0600, 0)) << type;
    EXPECT_ERRNO(EEXIST, fs->mknod(type, S_IFIFO | 0600, 0)) << type;
    EXPECT_ERRNO(EEXIST, fs->symlink("t", type)) << type;
    EXPECT_ERRNO(EEXIST, fs->open(1, type, O_RDWR | O_CREAT | O_EXCL, 0644)) << type;
  }
}

TEST_P(Names, InAChainOfSymlinksAreFollowed) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  make_file("dir/file", "content");
  ASSERT_DONE(fs->symlink("dir", "to-dir"));
  ASSERT_DONE(fs->symlink("to-dir/file", "to-file"));
  EXPECT_EQ(content("to-file"), "content");
  EXPECT_EQ(fs->stat("to-file")->st_ino, status("dir/file").st_ino);
  ASSERT_DONE(fs->symlink("loop", "loop"));
  EXPECT_ERRNO(ELOOP, fs->stat("loop"));
  EXPECT_ERRNO(ELOOP, fs->open(1, "to-file", O_RDONLY | O_NOFOLLOW, 0));
  ASSERT_DONE(fs->symlink("dir/made-through", "dangling"));
  ASSERT_DONE(fs->open(1, "dangling", O_WRONLY | O_CREAT, 0644));
  ASSERT_DONE(fs->write(1, 0, "x"));
  ASSERT_DONE(fs->close(1));
  EXPECT_EQ(content("dir/made-through"), "x");
  EXPECT_ERRNO(EEXIST, fs->open(1, "dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
}

ENFOLD_RUN_SUITE(Names, implementations);

}  // namespace
}  // namespace enfold
