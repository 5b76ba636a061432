// The kernel's end of a FUSE device: requests in the wire form of linux/fuse.h over a socket pair, answered
// by the real callbacks behind the real libfuse, without a mount.
#pragma once

#include <linux/fuse.h>

#include <string>
#include <vector>

#include "fs/mount/requests.h"
#include "kms/base/bytes.h"
#include "kms/base/clock.h"
#include "kms/base/files.h"

namespace enfold {

class FakeKernel {
 public:
  struct Reply {
    int error = 0;  // a positive errno value
    Bytes body;

    template <class T>
    [[nodiscard]] T as() const {
      T out{};
      std::memcpy(&out, body.data(), std::min(sizeof(out), body.size()));
      return out;
    }
  };

  explicit FakeKernel(Volume& volume);
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;
  ~FakeKernel();

  // A request as it goes over the wire: header, then `body`. FORGET has no reply: tell() it.
  Reply ask(fuse_opcode opcode, std::uint64_t inode, ByteSpan body);
  void tell(fuse_opcode opcode, std::uint64_t inode, ByteSpan body);

  // INIT as a kernel that offers `flags`.
  fuse_init_out init(std::uint32_t flags = ~(FUSE_INIT_EXT | 0U));

  Mounted& mounted() { return mounted_; }

  std::vector<fuse_notify_code> notified;  // what came before the answers so far

 private:
  void send(fuse_opcode opcode, std::uint64_t inode, ByteSpan body);
  void serve_one();

  SystemClock clock_;
  Mounted mounted_;
  Fd kernel_end_;
  fuse_session* session_;
  fuse_buf buffer_{};
  std::uint64_t unique_ = 0;
};

// The bytes of plain structures and strings (with their NUL) one after the other.
template <class T>
void append_wire(Bytes& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(T));
}
inline void append_wire(Bytes& out, const std::string& text) {
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(0);
}
template <class... Parts>
Bytes wire(const Parts&... parts) {
  Bytes out;
  (append_wire(out, parts), ...);
  return out;
}

}  // namespace enfold
