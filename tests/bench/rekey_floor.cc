// The least that re-wrapping the keys of a lower tree can cost: it walks, opens each file, reads its header
// page, writes a page twice (the bytes it read, so that the volume stays as it is but for times) and syncs in
// the batches of `enfold rekey`. rekey.py compares the two. Not a test.
//
//   rekey_floor LOWER [--jobs N]
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBatchFiles = 256;
constexpr std::size_t kPageBytes = 4096;

[[noreturn]] void fail(const std::string& what) {
  std::perror(what.c_str());
  std::_Exit(1);
}

using Directory = std::shared_ptr<DIR>;

Directory open_directory(int at, const char* name) {
  const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
  if (fd < 0) fail(name);
  return {fdopendir(fd), closedir};
}

struct Entry {
  Directory directory;
  std::string name;
};

bool is_ours_but_no_file(std::string_view name) {
  return name == "enfold.volume" || name == "enfold.lock" || name == "enfold.dir" || name.ends_with(".name");
}

// Hands out the files of a tree in batches, to any thread.
class Walk {
 public:
  explicit Walk(const char* root) : path_{open_directory(AT_FDCWD, root)} {}

  // Empty at the end.
  std::vector<Entry> next() {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> batch;
    while (batch.size() < kBatchFiles && !path_.empty()) visit(Directory(path_.back()), batch);
    return batch;
  }

 private:
  void visit(const Directory& directory, std::vector<Entry>& batch) {
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) return path_.pop_back();
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..")
      path_.push_back(open_directory(dirfd(directory.get()), entry->d_name));
    if (entry->d_type == DT_REG && !is_ours_but_no_file(name))
      batch.emplace_back(directory, std::string(name));
  }

  std::mutex mutex_;
  std::vector<Directory> path_;  // from the root to where the walk is
};

struct OpenFile {
  int fd;
  std::array<char, kPageBytes> header;
};

void open_and_read(const Entry& entry, OpenFile& file) {
  const int directory = dirfd(entry.directory.get());
  if (directory < 0) fail(entry.name);
  file.fd = openat(directory, entry.name.c_str(), O_RDWR | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
  if (file.fd < 0 || pread(file.fd, file.header.data(), kPageBytes, 0) != kPageBytes) fail(entry.name);
}

void write_back(const OpenFile& file) {
  if (pwrite(file.fd, file.header.data(), kPageBytes, 0) != kPageBytes) fail("pwrite");
}

// The wipes of a batch are covered by the sync of the next one.
void run(Walk& walk, int root, std::atomic<std::size_t>& files) {
  std::vector<OpenFile> open(kBatchFiles);
  for (std::vector<Entry> batch = walk.next(); !batch.empty(); batch = walk.next()) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      open_and_read(batch[i], open[i]);
      write_back(open[i]);
    }
    if (syncfs(root) != 0) fail("syncfs");
    for (std::size_t i = 0; i < batch.size(); ++i) {
      write_back(open[i]);
      close(open[i].fd);
    }
    files += batch.size();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool with_jobs = argc == 4 && std::string_view(argv[2]) == "--jobs";
  if (argc != 2 && !with_jobs) {
    std::cerr << "usage: rekey_floor LOWER [--jobs N]\n";
    return 2;
  }
  const long jobs = with_jobs ? std::strtol(argv[3], nullptr, 10) : 1;
  const auto began = std::chrono::steady_clock::now();
  Walk walk(argv[1]);
  const int root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) fail(argv[1]);
  std::atomic<std::size_t> files = 0;
  {
    std::vector<std::jthread> threads;
    for (long i = 0; i < jobs; ++i) threads.emplace_back([&] { run(walk, root, files); });
  }
  if (syncfs(root) != 0) fail("syncfs");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << R"({"files":)" << files << R"(,"seconds":)" << took.count() << R"(,"files_per_second":)"
            << static_cast<double>(files) / took.count() << "}\n";
  return 0;
}
