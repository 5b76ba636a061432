#include "kms/daemon/listen_address.h"

#include <sys/un.h>

#include <charconv>
#include <optional>

namespace enfold {
namespace {

std::unexpected<Error> refused(std::string_view text, std::string_view why) {
  return make_error(Errc::kInvalidArgument,
                    "--listen " + std::string(text) + ": " + std::string(why) +
                        "; give unix:PATH or http://127.0.0.1:PORT (or [::1], or localhost)");
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stopped, error] = std::from_chars(text.begin(), text.end(), port);
  if (text.empty() || error != std::errc{} || stopped != text.end()) return std::nullopt;
  return port;
}

Result<std::vector<ListenAddress>> parse_http(std::string_view text, std::string_view rest) {
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) return refused(text, "names no port");
  const auto port = parse_port(rest.substr(colon + 1));
  if (!port) return refused(text, "the port is no number from 0 to 65535");
  using Kind = ListenAddress::Kind;
  const std::string_view host = rest.substr(0, colon);
  if (host == "127.0.0.1") return std::vector{ListenAddress{Kind::kIpv4, {}, *port}};
  if (host == "[::1]") return std::vector{ListenAddress{Kind::kIpv6, {}, *port}};
  if (host == "localhost")
    return std::vector{ListenAddress{Kind::kIpv4, {}, *port}, ListenAddress{Kind::kIpv6, {}, *port}};
  return refused(text, "without TLS only the loopback addresses are listened on");
}

Result<std::vector<ListenAddress>> parse_unix(std::string_view text, std::string_view path) {
  if (!path.starts_with('/')) return refused(text, "the path of a Unix socket begins with /");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return refused(text, "the path of a Unix socket has at most 107 bytes");
  if (path.find('\0') != std::string_view::npos) return refused(text, "the path has a zero byte");
  return std::vector{ListenAddress{ListenAddress::Kind::kUnix, std::string(path), 0}};
}

}  // namespace

Result<std::vector<ListenAddress>> parse_listen_address(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix(text, text.substr(5));
  if (text.starts_with("http://")) return parse_http(text, text.substr(7));
  if (text.starts_with("https://")) return refused(text, "there is no TLS yet");
  return refused(text, "is of no known kind");
}

std::string text_of(const ListenAddress& address) {
  switch (address.kind) {
    case ListenAddress::Kind::kUnix:
      return "unix:" + address.path;
    case ListenAddress::Kind::kIpv4:
      return "http://127.0.0.1:" + std::to_string(address.port);
    case ListenAddress::Kind::kIpv6:
      return "http://[::1]:" + std::to_string(address.port);
  }
  return {};
}

}  // namespace enfold
