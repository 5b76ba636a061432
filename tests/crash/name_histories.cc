// What happens to names.
#include "tests/crash/histories.h"

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;
const std::string kLong(200, 'l');

void synced_file(App& app, const std::string& path) {
  app.create(path);
  app.write(path, 0, kSector + 20, 't');
  app.fsync(path);
  app.close(path);
}

void target_file(App& app) { app.make_file("f", 2 * kSector, 'o'); }

}  // namespace

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<History> name_histories() {
  using Rec = RecordingFiles;
  return {
      {"TmpFsyncRenameOver", target_file,
       [](App& app, Rec&) {
         synced_file(app, "tmp");
         app.rename("tmp", "f");
       }},
      {"TmpFsyncRenameOverFsyncDirectory", target_file,
       [](App& app, Rec&) {
         synced_file(app, "tmp");
         app.rename("tmp", "f");
         app.fsync_directory("");
       }},
      {"TmpFsyncRenameIntoNewDirectory", nullptr,
       [](App& app, Rec&) {
         synced_file(app, "tmp");
         app.mkdir("d");
         app.mkdir("d/e");
         app.rename("tmp", "d/e/f");
         app.fsync_directory("d/e");
       }},
      {"TmpFsyncRenameToLongName", nullptr,
       [](App& app, Rec&) {
         synced_file(app, "tmp");
         app.rename("tmp", kLong);
         app.fsync_directory("");
       }},
      {"LongNameFsync", nullptr,
       [](App& app, Rec&) {
         synced_file(app, kLong);
         app.make_file(kLong + "2", 10, 'n');
       }},
      {"LongDirectoryNameFileFsync", nullptr,
       [](App& app, Rec&) {
         app.mkdir(kLong);
         app.mkdir(kLong + "/d");
         synced_file(app, kLong + "/d/f");
       }},
      {"DurableFileMovedIntoLongNames", target_file,
       [](App& app, Rec&) {
         app.mkdir(kLong);
         app.rename("f", kLong + "/f");
         app.symlink("target", kLong + "/s");
         app.fsync_directory(kLong);
       }},
      {"MkdirPathFileFsync", nullptr,
       [](App& app, Rec&) {
         app.mkdir("a");
         app.mkdir("a/b");
         app.mkdir("a/b/c");
         synced_file(app, "a/b/c/f");
       }},
      {"MkdirPathFileClose", nullptr,
       [](App& app, Rec&) {
         app.mkdir("a");
         app.mkdir("a/b");
         app.make_file("a/b/f", 100, 'n');
       }},
      {"SymlinkRenamedOverSymlink", [](App& app) { app.symlink("old/target", "s"); },
       [](App& app, Rec&) {
         app.symlink("new/target", "tmp");
         app.rename("tmp", "s");
         app.fsync_directory("");
       }},
      {"SymlinkInNewDirectoryFsyncDirectory", nullptr,
       [](App& app, Rec&) {
         app.mkdir("d");
         app.symlink("target", "d/s");
         app.fsync_directory("d");
       }},
      {"TouchFsyncDirectory", nullptr,
       [](App& app, Rec&) {
         app.make_file("f", 0, 'n');
         app.make_file("g", 10, 'n');
         app.fsync_directory("");
       }},
      {"UnlinkAndRmdir",
       [](App& app) {
         app.mkdir("d");
         target_file(app);
         app.make_file(kLong, 10, 'o');
       },
       [](App& app, Rec&) {
         app.unlink("f");
         app.unlink(kLong);
         app.rmdir("d");
         app.fsync_directory("");
       }},
      {"RmdirOfANewDirectory", nullptr,
       [](App& app, Rec&) {
         app.mkdir("d");
         app.make_file("d/f", 10, 'n');
         app.unlink("d/f");
         app.rmdir("d");
         app.mkdir("d");
         app.fsync_directory("");
       }},
      {"Link", target_file,
       [](App& app, Rec&) {
         app.mkdir("d");
         app.link("f", "d/g");
         app.unlink("f");
         app.fsync_directory("d");
       }},
      {"LinkOfANewFileToALongName", nullptr,
       [](App& app, Rec&) {
         synced_file(app, "f");
         app.link("f", kLong);
         app.fsync_directory("");
       }},
      {"DirectoryRenamedOverEmptyDirectory",
       [](App& app) {
         app.mkdir("d");
         app.make_file("d/f", 10, 'o');
         app.mkdir("e");
       },
       [](App& app, Rec&) {
         app.rename("d", "e");
         app.make_file("e/g", 10, 'n');
         app.fsync_directory("");
       }},
      {"DurableFileMovedIntoNewDirectories", target_file,
       [](App& app, Rec&) {
         app.mkdir("a");
         app.mkdir("a/b");
         app.rename("f", "a/b/f");
       }},
  };
}

}  // namespace enfold
