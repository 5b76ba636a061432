#include "tests/conformance/random_steps.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/conformance/acl.h"
#include "tests/conformance/describe.h"

namespace enfold {
namespace {

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {
      "a", "b", "c", "d", "Ä", std::string(175, 'n'), std::string(176, 'n'), std::string(255, 'n')};
  return all;
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

std::string RandomSteps::path() {
  std::string directory;
  for (;;) {
    const auto entries = model_.list(directory);
    const bool takes_old = entries && !entries->empty() && below(3) > 0;
    if (!takes_old) return joined(directory, pick(names()));
    const auto [name, type] = pick(*entries);
    if (type != S_IFDIR || below(3) == 0) return joined(directory, name);
    directory = joined(directory, name);
  }
}

// Around the edges of sectors, or anywhere.
std::uint64_t RandomSteps::size() {
  constexpr std::uint64_t kSector = 4064;
  if (below(2) == 0) return below(20'000);
  return kSector * (1 + below(5)) - 1 + below(3);
}

Times RandomSteps::times() {
  const auto one = [&] {
    const std::uint64_t kind = below(4);
    if (kind == 0) return timespec{0, UTIME_OMIT};
    if (kind == 1) return timespec{0, UTIME_NOW};
    return timespec{static_cast<time_t>(below(1'000'000'000)), static_cast<long>(below(1'000'000'000))};
  };
  return {one(), one()};
}

// The kernel itself opens FIFOs and devices, and waits for who is at the other end.
bool RandomSteps::is_openable(const std::string& path) {
  const auto at = model_.stat(path);
  return !at || S_ISREG(at->st_mode) || S_ISDIR(at->st_mode);
}

Step RandomSteps::next() {
  const std::uint64_t kind = below(20);
  if (kind < 6) return name_step();
  if (kind < 9) return open_step();
  if (kind < 15) return file_step();
  if (kind < 18) return attribute_step();
  return xattr_step();
}

Step RandomSteps::make_step(const std::string& where) {
  const mode_t mode = static_cast<mode_t>(0600 + below(0200));
  switch (below(4)) {
    case 0:
      return {"symlink " + where,
              [=, target = below(2) == 0 ? pick(names()) : std::string(1 + below(4095), 't')](
                  Filesystem& fs) { return describe(fs.symlink(target, where)); }};
    case 1: {
      const mode_t type = pick(std::vector<mode_t>{S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK});
      const dev_t device = makedev(static_cast<unsigned>(below(4096)), static_cast<unsigned>(below(100'000)));
      return {"mknod " + where + " " + octal(type | mode),
              [=](Filesystem& fs) { return describe(fs.mknod(where, type | mode, device)); }};
    }
    default:
      return {"mkdir " + where + " " + octal(mode | 0100),
              [=](Filesystem& fs) { return describe(fs.mkdir(where, mode | 0100)); }};
  }
}

Step RandomSteps::rename_step() {
  const std::string from = path();
  const std::string to = path();
  const unsigned flags = pick(std::vector<unsigned>{0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE});
  return {"rename " + from + " " + to + " flags " + std::to_string(flags),
          [=](Filesystem& fs) { return describe(fs.rename(from, to, flags)); }};
}

Step RandomSteps::name_step() {
  const std::string where = path();
  switch (below(9)) {
    case 0:
    case 1:
    case 2:
      return make_step(where);
    case 3:
      return {"link " + where,
              [=, to = path()](Filesystem& fs) { return to + " " + describe(fs.link(where, to)); }};
    case 4:
      return {"unlink " + where, [=](Filesystem& fs) { return describe(fs.unlink(where)); }};
    case 5:
      return {"rmdir " + where, [=](Filesystem& fs) { return describe(fs.rmdir(where)); }};
    case 6:
      return {"readlink " + where, [=](Filesystem& fs) { return describe(fs.readlink(where)); }};
    default:
      return rename_step();
  }
}

Step RandomSteps::open_step() {
  const Slot to = slot();
  if (below(4) == 0)
    return {"close " + std::to_string(to), [=](Filesystem& fs) { return describe(fs.close(to)); }};
  const std::string where = path();
  if (!is_openable(where)) return rename_step();
  const int flags =
      pick(std::vector<int>{O_RDONLY, O_RDWR, O_WRONLY, O_RDWR | O_APPEND, O_RDWR | O_CREAT, O_RDWR | O_CREAT,
                            O_RDWR | O_CREAT | O_EXCL, O_RDWR | O_CREAT | O_TRUNC, O_WRONLY | O_TRUNC,
                            O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECTORY});
  return {"open " + std::to_string(to) + " " + where + " flags " + octal(static_cast<mode_t>(flags)),
          [=, mode = static_cast<mode_t>(0600 + below(0200))](Filesystem& fs) {
            const std::string closed = describe(fs.close(to));
            return closed + ", " + describe(fs.open(to, where, flags, mode));
          }};
}

Step RandomSteps::write_step() {
  const Slot to = slot();
  const std::string data(1 + below(9000), static_cast<char>('a' + below(26)));
  return {"write " + std::to_string(to) + " of " + std::to_string(data.size()),
          [=, offset = size()](Filesystem& fs) {
            return "at " + std::to_string(offset) + ": " + describe(fs.write(to, offset, data));
          }};
}

Step RandomSteps::allocate_step() {
  const Slot to = slot();
  const int mode = pick(std::vector<int>{0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE});
  const std::uint64_t offset = size();
  const std::uint64_t length = size();
  return {"fallocate " + std::to_string(to) + " mode " + std::to_string(mode) + " " + std::to_string(offset) +
              "+" + std::to_string(length),
          [=](Filesystem& fs) { return describe(fs.allocate(to, mode, offset, length)); }};
}

Step RandomSteps::copy_step() {
  const Slot from = slot();
  const Slot to = slot();
  const auto source = model_.fstat(from);
  const auto target = model_.fstat(to);
  // Within one file ranges must not overlap; with something else than a file the kernel has several errors to
  // choose from.
  if (!source || !target || !S_ISREG(source->st_mode) || !S_ISREG(target->st_mode) ||
      source->st_ino == target->st_ino)
    return write_step();
  return {"copy " + std::to_string(from) + " to " + std::to_string(to),
          [=, in = size(), out = size(), length = 1 + size()](Filesystem& fs) {
            return describe(fs.copy(from, in, to, out, length));
          }};
}

Step RandomSteps::file_step() {
  const Slot from = slot();
  const std::uint64_t offset = size();
  const std::string which = std::to_string(from) + " at " + std::to_string(offset);
  switch (below(9)) {
    case 0:
    case 1:
      return write_step();
    case 2:
      return allocate_step();
    case 3:
      return copy_step();
    case 4:
      return {"ftruncate " + which, [=](Filesystem& fs) { return describe(fs.ftruncate(from, offset)); }};
    case 5:
      return {"fsync " + which, [=](Filesystem& fs) { return describe(fs.sync(from)); }};
    case 6:
      return {"fstat " + which, [=](Filesystem& fs) { return describe(fs.fstat(from)); }};
    case 7:
      return {"seek " + which, [=, whence = below(2) == 0 ? SEEK_DATA : SEEK_HOLE](Filesystem& fs) {
                return check_seek(fs, from, offset, whence);
              }};
    default:
      return {"read " + which,
              [=, length = size()](Filesystem& fs) { return describe(fs.read(from, offset, length)); }};
  }
}

Step RandomSteps::attribute_step() {
  const std::string where = path();
  const Slot to = slot();
  const mode_t mode = static_cast<mode_t>(0700 + below(0100) + 01000 * below(2));
  const Times at = times();
  switch (below(8)) {
    case 0:
      return {"chmod " + where + " " + octal(mode),
              [=](Filesystem& fs) { return describe(fs.chmod(where, mode)); }};
    case 1:
      return {"fchmod " + std::to_string(to), [=](Filesystem& fs) { return describe(fs.fchmod(to, mode)); }};
    case 2:
      return {"lchown " + where,
              [=](Filesystem& fs) { return describe(fs.lchown(where, ::geteuid(), ::getegid())); }};
    case 3:
      return {"utimens " + where, [=](Filesystem& fs) { return describe(fs.set_times(where, at)); }};
    case 4:
      return {"futimens " + std::to_string(to),
              [=](Filesystem& fs) { return describe(fs.set_times(to, at)); }};
    case 5:
      return {"truncate " + where, [=, length = size()](Filesystem& fs) {
                const auto before = fs.stat(where);
                // To the same size Linux leaves the times alone, POSIX does not.
                const std::uint64_t wanted =
                    before && static_cast<std::uint64_t>(before->st_size) == length ? length + 1 : length;
                return describe(fs.truncate(where, wanted));
              }};
    case 6:
      return {"umask " + octal(mode & 077), [=](Filesystem& fs) {
                fs.set_umask(mode & 077);
                return std::string();
              }};
    default:
      return {"lstat " + where, [=](Filesystem& fs) { return describe(fs.lstat(where)); }};
  }
}

Step RandomSteps::xattr_step() {
  const std::string where = path();
  const auto bits = [&] { return static_cast<std::uint16_t>(below(8)); };
  using enum AclTag;
  const Acl acl = {
      {kUserObj, 7}, {kUser, bits(), 99}, {kGroupObj, bits()}, {kMask, bits()}, {kOther, bits()}};
  const std::string which = below(2) == 0 ? kAccessAcl : kDefaultAcl;
  const std::string name = "user.x" + std::to_string(below(3));
  switch (below(6)) {
    case 0:
      return {"set " + which + " " + where,
              [=](Filesystem& fs) { return describe(fs.set_xattr(where, which, encode_acl(acl), 0)); }};
    case 1:
      return {"remove " + which + " " + where,
              [=](Filesystem& fs) { return describe(fs.remove_xattr(where, which)); }};
    case 2:
      return {"get " + name + " " + where,
              [=](Filesystem& fs) { return describe(fs.get_xattr(where, name)); }};
    case 3:
      return {"remove " + name + " " + where,
              [=](Filesystem& fs) { return describe(fs.remove_xattr(where, name)); }};
    default:
      return {"set " + name + " " + where,
              [=, flags = static_cast<int>(below(3)), value = random_()](Filesystem& fs) {
                return describe(fs.set_xattr(where, name, std::to_string(value), flags));
              }};
  }
}

}  // namespace enfold
