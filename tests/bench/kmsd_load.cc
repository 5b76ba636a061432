// Loads a daemon with one request over and over, from as many connections as there are to be clients, and
// prints requests a second and latencies as JSON. The request is signed once and sent again, so that the
// figures are the server's: the clients only copy bytes. Figures, not a test; kmsd.py runs it.
//
//   kmsd_load unix PATH | http PORT   TARGET BODY-FILE REGION CLIENTS SECONDS   < "ACCESS-KEY-ID SECRET" or
//   nothing
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "kms/base/clock.h"
#include "kms/base/files.h"
#include "kms/wire/sigv4.h"

namespace enfold {
namespace {

using std::chrono::steady_clock;

constexpr auto kWarmUp = std::chrono::milliseconds(300);

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "kmsd_load: " << why << "\n";
  std::quick_exit(1);
}

template <class Address>
Fd connect_to(const Address& address) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  Fd fd(::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || ::connect(fd.get(), generic, sizeof address) != 0) give_up("cannot connect");
  return fd;
}

Fd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) give_up("the socket's path is too long");
  path.copy(address.sun_path, path.size());
  return connect_to(address);
}

Fd connect_http(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd fd = connect_to(address);
  const int yes = 1;
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

struct Plan {
  bool over_unix = false;
  std::string place;  // path or port
  std::string target;
  std::string body;
  std::string region;
  unsigned clients = 1;
  double seconds = 1;

  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(place)); }
  [[nodiscard]] Fd connect() const { return over_unix ? connect_unix(place) : connect_http(port()); }
};

std::string request_of(const Plan& plan) {
  std::vector<OwnedHeader> headers{{"Host", plan.over_unix ? "localhost" : "127.0.0.1:" + plan.place},
                                   {"Content-Type", "application/x-amz-json-1.1"},
                                   {"X-Amz-Target", plan.target}};
  std::string key_id;
  std::string secret;
  if (std::cin >> key_id >> secret) {
    HttpRequestView view{.method = "POST", .target = "/", .headers = {}, .body = plan.body};
    for (const OwnedHeader& header : headers) view.headers.push_back({header.name, header.value});
    SystemClock clock;
    for (OwnedHeader& header :
         sign_request(view, {key_id, as_bytes(secret), {}}, plan.region, clock.unix_ms()))
      headers.push_back(std::move(header));
  }
  std::string out = "POST / HTTP/1.1\r\n";
  for (const OwnedHeader& header : headers)
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  return out.append("Content-Length: ")
      .append(std::to_string(plan.body.size()))
      .append("\r\n\r\n")
      .append(plan.body);
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) give_up("the connection broke while sending");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// How many bytes the answer that starts `text` has, 0 while that is not known.
std::size_t length_of(std::string_view text) {
  const auto head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  constexpr std::string_view kName = "content-length:";
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); };
  const auto* at = std::search(text.begin(), text.end(), kName.begin(), kName.end(),
                               [&](char in_text, char in_name) { return lower(in_text) == in_name; });
  if (at == text.end()) give_up("an answer without a length");
  const char* digits = at + kName.size();
  while (*digits == ' ') ++digits;
  std::size_t length = 0;
  std::from_chars(digits, text.data() + text.size(), length);
  return head + 4 + length;
}

void receive_answer(int fd, std::string& text) {
  text.clear();
  std::size_t wanted = 0;
  char buffer[8192];
  while (wanted == 0 || text.size() < wanted) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) give_up("the connection broke while receiving: " + text);
    text.append(buffer, static_cast<std::size_t>(got));
    if (wanted == 0) wanted = length_of(text);
  }
  if (!text.starts_with("HTTP/1.1 200 ")) give_up("refused: " + text);
}

using Latencies = std::vector<std::int64_t>;  // nanoseconds

Latencies run_client(const Plan& plan, const std::string& request, steady_clock::time_point counted_from,
                     steady_clock::time_point end) {
  const Fd fd = plan.connect();
  Latencies out;
  out.reserve(1U << 20U);
  std::string answer;
  for (auto before = steady_clock::now(); before < end;) {
    send_all(fd.get(), request);
    receive_answer(fd.get(), answer);
    const auto after = steady_clock::now();
    if (before >= counted_from) out.push_back((after - before).count());
    before = after;
  }
  return out;
}

Latencies run(const Plan& plan) {
  const std::string request = request_of(plan);
  const auto counted_from = steady_clock::now() + kWarmUp;
  const auto end = counted_from + std::chrono::duration_cast<steady_clock::duration>(
                                      std::chrono::duration<double>(plan.seconds));
  std::vector<Latencies> by_client(plan.clients);
  {
    std::vector<std::jthread> threads;
    threads.reserve(plan.clients);
    for (Latencies& mine : by_client)
      threads.emplace_back([&] { mine = run_client(plan, request, counted_from, end); });
  }
  Latencies all;
  for (const Latencies& mine : by_client) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  return all;
}

double microseconds_at(const Latencies& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[index]) / 1000;
}

int main_of(std::span<char*> arguments) {
  if (arguments.size() != 8) give_up("see the top of kmsd_load.cc for its arguments");
  std::ifstream file(arguments[4], std::ios::binary);
  const Plan plan{.over_unix = std::string_view(arguments[1]) == "unix",
                  .place = arguments[2],
                  .target = arguments[3],
                  .body = std::string(std::istreambuf_iterator<char>(file), {}),
                  .region = arguments[5],
                  .clients = static_cast<unsigned>(std::stoul(arguments[6])),
                  .seconds = std::stod(arguments[7])};
  const Latencies all = run(plan);
  std::printf(R"({"per_second": %.0f, "p50_us": %.1f, "p99_us": %.1f})"
              "\n",
              static_cast<double>(all.size()) / plan.seconds, microseconds_at(all, 0.5),
              microseconds_at(all, 0.99));
  return 0;
}

}  // namespace
}  // namespace enfold

int main(int argc, char** argv) { return enfold::main_of(std::span(argv, static_cast<std::size_t>(argc))); }
