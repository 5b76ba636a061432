#include "kms/client/host_addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace enfold {
namespace {

using Addresses = std::vector<std::string>;

bool is_number(const std::string& host) {
  std::array<std::uint8_t, sizeof(in6_addr)> unused{};
  return ::inet_pton(AF_INET, host.c_str(), unused.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), unused.data()) == 1;
}

// No name server is asked for them (RFC 6761).
bool is_local(const std::string& host) { return host == "localhost" || host.ends_with(".localhost"); }

std::unexpected<Error> unknown(const std::string& host, const std::string& why) {
  return make_error(Errc::kKmsUnavailable, "the host " + host + ": " + why);
}

Result<Addresses> ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return unknown(host, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  Addresses out;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0)
      out.emplace_back(text.data());
  }
  if (out.empty()) return unknown(host, "it has no address");
  return out;
}

}  // namespace

// Outlives its HostAddresses while a thread asks.
struct HostAddresses::Lookup {
  std::mutex mutex;  // guards what follows
  std::condition_variable ended;
  bool is_running = false;
  std::uint64_t count = 0;
  Result<Addresses> last;
};

HostAddresses::HostAddresses(std::string host)
    : host_(std::move(host)), lookup_(std::make_shared<Lookup>()) {}

Result<Addresses> HostAddresses::find(std::int64_t timeout_ns) {
  if (is_number(host_)) return Addresses{host_};
  if (is_local(host_)) return Addresses{"127.0.0.1", "::1"};
  std::unique_lock lock(lookup_->mutex);
  const std::uint64_t before = lookup_->count;
  if (!lookup_->is_running) {
    std::thread([lookup = lookup_, host = host_] {
      auto answer = ask_system(host);
      const std::lock_guard done(lookup->mutex);
      lookup->last = std::move(answer);
      lookup->is_running = false;
      ++lookup->count;
      lookup->ended.notify_all();
    }).detach();
    lookup_->is_running = true;  // not where there can be no thread; it ends when the lock is free
  }
  const bool has_ended = lookup_->ended.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                                                 [&] { return lookup_->count != before; });
  if (!has_ended) return unknown(host_, "no name server answers");
  return lookup_->last;
}

}  // namespace enfold
