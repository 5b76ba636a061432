#include "fs/mount/channel.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <span>

namespace enfold {
namespace {

// The request that this thread read last.
struct CurrentRequest {
  bool is_init = false;
  std::uint32_t offered = 0;  // flags of INIT
  bool drops_set_id_bits = false;
  bool drops_set_group_id = false;
};
thread_local CurrentRequest current;

// The one session of this process has agreed on it.
std::atomic<bool> setxattr_is_extended = false;

// The structure that follows the header; zeros where the message is shorter.
template <class T>
T body_of(std::span<const char> message) {
  T out{};
  auto body = message.subspan(sizeof(fuse_in_header));
  std::memcpy(&out, body.data(), std::min(sizeof(out), body.size()));
  return out;
}

CurrentRequest look_at(std::span<const char> message) {
  CurrentRequest out;
  if (message.size() < sizeof(fuse_in_header)) return out;
  fuse_in_header header{};
  std::memcpy(&header, message.data(), sizeof(header));
  switch (header.opcode) {
    case FUSE_INIT:
      out.is_init = true;
      out.offered = body_of<fuse_init_in>(message).flags;
      break;
    case FUSE_WRITE:
      out.drops_set_id_bits = (body_of<fuse_write_in>(message).write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
      break;
    case FUSE_SETXATTR:
      out.drops_set_group_id = setxattr_is_extended && (body_of<fuse_setxattr_in>(message).setxattr_flags &
                                                        FUSE_SETXATTR_ACL_KILL_SGID) != 0;
      break;
    default:
      break;
  }
  return out;
}

// What is left of a message without the part of SETXATTR that libfuse does not know.
std::size_t shortened(std::span<char> message) {
  constexpr std::size_t kShortBody = sizeof(fuse_in_header) + FUSE_COMPAT_SETXATTR_IN_SIZE;
  constexpr std::size_t kLongBody = sizeof(fuse_in_header) + sizeof(fuse_setxattr_in);
  fuse_in_header header{};
  if (!setxattr_is_extended || message.size() < kLongBody) return message.size();
  std::memcpy(&header, message.data(), sizeof(header));
  if (header.opcode != FUSE_SETXATTR) return message.size();
  std::memmove(message.data() + kShortBody, message.data() + kLongBody, message.size() - kLongBody);
  header.len = static_cast<std::uint32_t>(message.size() - (kLongBody - kShortBody));
  std::memcpy(message.data(), &header, sizeof(header));
  return header.len;
}

ssize_t read_request(int device, void* to, std::size_t size, void* /*userdata*/) {
  ssize_t got = ::read(device, to, size);
  if (got <= 0) return got;
  const std::span message(static_cast<char*>(to), static_cast<std::size_t>(got));
  current = look_at(message);
  return static_cast<ssize_t>(shortened(message));
}

void add_to_init(const iovec& part) {
  constexpr std::uint32_t kAdded = FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT;
  if (part.iov_len < sizeof(fuse_init_out)) return;  // an old kernel's shorter form
  static_cast<fuse_init_out*>(part.iov_base)->flags |= current.offered & kAdded;
  setxattr_is_extended = (current.offered & FUSE_SETXATTR_EXT) != 0;
}

ssize_t write_answer(int device, iovec* parts, int count, void* /*userdata*/) {
  if (std::exchange(current.is_init, false) && count == 2) add_to_init(parts[1]);
  return ::writev(device, parts, count);
}

}  // namespace

fuse_custom_io channel_io() {
  fuse_custom_io io{};
  io.read = read_request;
  io.writev = write_answer;
  return io;
}

bool request_drops_set_id_bits() { return current.drops_set_id_bits; }

bool request_drops_set_group_id() { return current.drops_set_group_id; }

}  // namespace enfold
