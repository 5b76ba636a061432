// Listening sockets: made here, or handed over by the service manager.
#pragma once

#include <sys/types.h>

#include <vector>

#include "kms/base/files.h"
#include "kms/daemon/listen_address.h"

namespace enfold {

// Non-blocking and listening. Takes the file of a Unix socket that it made away again, unless another file is
// there by then.
class Listener {
 public:
  // Anybody may connect to a Unix socket (0666): who it is decides what they may. A socket that nobody
  // listens on is replaced; kBusy where somebody does, kExists where the path is no socket. Changes the
  // process's umask for a moment: call it before there are threads.
  static Result<Listener> open(const ListenAddress& address);

  // The descriptors from `first` on, `count` of them, that a service manager passes (sd_listen_fds(3)): each
  // must be a listening stream socket, Unix or on loopback.
  static Result<std::vector<Listener>> adopt(int first, int count);

  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  // With the port that was bound.
  [[nodiscard]] const ListenAddress& address() const { return address_; }
  // Somebody else holds it too and goes on listening.
  [[nodiscard]] bool is_inherited() const { return inherited_; }

 private:
  Listener(Fd fd, ListenAddress address, bool inherited)
      : fd_(std::move(fd)), address_(std::move(address)), inherited_(inherited) {}
  static Result<Listener> open_unix(const ListenAddress& address);
  static Result<Listener> open_tcp(const ListenAddress& address);
  static Result<Listener> adopt_one(int fd);

  Fd fd_;
  ListenAddress address_;
  bool inherited_ = false;
  ino_t inode_ = 0;  // of the socket's file; 0: none to take away
  dev_t device_ = 0;
};

}  // namespace enfold
