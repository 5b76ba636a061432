// The addresses of a host name, without waiting for a name server longer than is wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kms/base/error.h"

namespace enfold {

// Thread-safe.
class HostAddresses {
 public:
  explicit HostAddresses(std::string host);

  // In the system's order, as numbers. kKmsUnavailable where there is none in time. A system call that goes
  // on asking is left to a thread of its own: one, whoever else waits for the same.
  Result<std::vector<std::string>> find(std::int64_t timeout_ns);

 private:
  struct Lookup;
  std::string host_;
  std::shared_ptr<Lookup> lookup_;
};

}  // namespace enfold
