#include "fs/mount/operations.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>

namespace enfold {
namespace {

// libfuse is C, so no exception may pass through it; those of the standard library are an error of this one
// request.
template <auto kCallback>
struct Guarded;

template <class... Arguments, void (*kCallback)(fuse_req_t, Arguments...)>
struct Guarded<kCallback> {
  static void call(fuse_req_t request, Arguments... arguments) {
    try {
      kCallback(request, arguments...);
    } catch (const std::bad_alloc&) {
      fuse_reply_err(request, ENOMEM);
    } catch (const std::exception&) {
      fuse_reply_err(request, EIO);
    }
  }
};

void want(fuse_conn_info* connection, unsigned capability, bool wanted = true) {
  connection->want &= ~capability;
  if (wanted) connection->want |= connection->capable & capability;
}

void set_name_operations(fuse_lowlevel_ops& out) {
  out.lookup = Guarded<ops::lookup>::call;
  out.forget = Guarded<ops::forget>::call;
  out.forget_multi = Guarded<ops::forget_multi>::call;
  out.readlink = Guarded<ops::readlink>::call;
  out.mknod = Guarded<ops::mknod>::call;
  out.mkdir = Guarded<ops::mkdir>::call;
  out.symlink = Guarded<ops::symlink>::call;
  out.link = Guarded<ops::link>::call;
  out.unlink = Guarded<ops::unlink>::call;
  out.rmdir = Guarded<ops::rmdir>::call;
  out.rename = Guarded<ops::rename>::call;
}

void set_attribute_operations(fuse_lowlevel_ops& out) {
  out.getattr = Guarded<ops::getattr>::call;
  out.setattr = Guarded<ops::setattr>::call;
  out.statfs = Guarded<ops::statfs>::call;
  out.getxattr = Guarded<ops::getxattr>::call;
  out.setxattr = Guarded<ops::setxattr>::call;
  out.listxattr = Guarded<ops::listxattr>::call;
  out.removexattr = Guarded<ops::removexattr>::call;
}

void set_open_file_operations(fuse_lowlevel_ops& out) {
  out.create = Guarded<ops::create>::call;
  out.open = Guarded<ops::open>::call;
  out.read = Guarded<ops::read>::call;
  out.write = Guarded<ops::write>::call;
  out.copy_file_range = Guarded<ops::copy_file_range>::call;
  out.fallocate = Guarded<ops::fallocate>::call;
  out.lseek = Guarded<ops::lseek>::call;
  out.flush = Guarded<ops::flush>::call;
  out.release = Guarded<ops::release>::call;
  out.fsync = Guarded<ops::fsync>::call;
  out.opendir = Guarded<ops::opendir>::call;
  out.readdir = Guarded<ops::readdir>::call;
  out.readdirplus = Guarded<ops::readdirplus>::call;
  out.releasedir = Guarded<ops::releasedir>::call;
  out.fsyncdir = Guarded<ops::fsyncdir>::call;
}

}  // namespace

void ops::init(void* userdata, fuse_conn_info* connection) {
  constexpr unsigned kMaxRequest_bytes = 1 << 20;
  connection->max_write = std::min(connection->max_write, kMaxRequest_bytes);
  connection->max_readahead = std::min(connection->max_readahead, kMaxRequest_bytes);
  connection->max_background = 64;
  want(connection, FUSE_CAP_CACHE_SYMLINKS);
  // With the writeback cache the kernel keeps what write(2) took and writes it later, in any order. Random
  // writes of 4 KiB would be twice as fast, but a full disk would show at fsync or close only, a killed or
  // terminated mount would lose what write(2) returned for, and who reads with O_DIRECT beside an appender
  // would see zeros where pages are still to come (fs/README.md).
  want(connection, FUSE_CAP_WRITEBACK_CACHE, false);
  // Nobody writes behind the kernel's back, so a changed time never means that cached pages are old.
  want(connection, FUSE_CAP_AUTO_INVAL_DATA, false);
  want(connection, FUSE_CAP_EXPLICIT_INVAL_DATA);
  // With it an open to truncate truncates before the kernel has looked whether it may: a running program lost
  // its content, and whoever opened it got ETXTBSY.
  want(connection, FUSE_CAP_ATOMIC_O_TRUNC, false);
  // What is decrypted lies in memory: pipes would only add system calls.
  want(connection, FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE, false);
  Mounted& state = *static_cast<Mounted*>(userdata);
  // The kernel checks ACLs; a umask does not count where one is inherited, so it is left to the volume.
  if (state.tree.has_acls()) want(connection, FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK);
  state.begun.store(true);
  state.begun.notify_all();
}

// No locks: flock(2) and fcntl(2) locks are the kernel's own then.
const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops kTable = [] {
    fuse_lowlevel_ops out{};
    out.init = ops::init;
    set_name_operations(out);
    set_attribute_operations(out);
    set_open_file_operations(out);
    return out;
  }();
  return kTable;
}

}  // namespace enfold
