#include "kms/daemon/descriptor_limit.h"

#include <sys/resource.h>

#include <cerrno>

namespace enfold {
namespace {

constexpr std::size_t kBesideConnections = 64;  // the store's files, listeners, the streams, epoll

}  // namespace

Result<void> raise_descriptor_limit(const Connections::Limits& connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error(errno, "getrlimit");
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;  // else what there is may do
  const std::size_t needed = connections.all + connections.turned_away + kBesideConnections;
  if (limit.rlim_cur >= needed) return {};
  return system_error(EMFILE, "serving takes " + std::to_string(needed) + " descriptors and the limit is " +
                                  std::to_string(limit.rlim_cur) + ", raise it (LimitNOFILE=, ulimit -n)");
}

}  // namespace enfold
