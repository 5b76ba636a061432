#include "kms/client/kms_url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

namespace enfold {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un
constexpr std::size_t kMaxHostBytes = 253;   // DNS

std::unexpected<Error> malformed(const std::string& url, const std::string& why) {
  return make_error(Errc::kInvalidArgument, "the KMS URL " + url + ": " + why);
}

bool is_host_character(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}
bool is_ipv6_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

struct HostAndPort {
  std::string_view host;
  std::string_view port;  // empty: the scheme's
};

std::optional<HostAndPort> split(std::string_view authority) {
  const bool is_bracketed = authority.starts_with('[');
  const std::size_t end = is_bracketed ? authority.find(']') : authority.find(':');
  if (is_bracketed && end == std::string_view::npos) return std::nullopt;
  HostAndPort out{authority.substr(is_bracketed ? 1 : 0, is_bracketed ? end - 1 : end), {}};
  const std::string_view rest =
      end == std::string_view::npos ? std::string_view{} : authority.substr(is_bracketed ? end + 1 : end);
  const bool is_known = is_bracketed ? std::ranges::all_of(out.host, is_ipv6_character)
                                     : std::ranges::all_of(out.host, is_host_character);
  if (!is_known || out.host.empty() || out.host.size() > kMaxHostBytes) return std::nullopt;
  if (rest.empty()) return out;
  if (!rest.starts_with(':') || rest.size() == 1) return std::nullopt;
  out.port = rest.substr(1);
  return out;
}

bool is_this_machine(std::string_view host) {
  return host == "127.0.0.1" || host == "localhost" || host == "::1";
}

Result<KmsUrl> with_host(KmsUrl url, std::string_view authority) {
  if (authority.ends_with('/')) authority.remove_suffix(1);
  const auto parts = split(authority);
  if (!parts) return malformed(url.text, "no host, with a port or without, follows; write https://HOST:PORT");
  url.place = parts->host;
  url.port = url.scheme == KmsScheme::kHttp ? kHttpPort : kHttpsPort;
  if (!parts->port.empty()) {
    const auto [end, wrong] =
        std::from_chars(parts->port.data(), parts->port.data() + parts->port.size(), url.port);
    if (wrong != std::errc() || end != parts->port.data() + parts->port.size() || url.port == 0)
      return malformed(url.text, "the port is no number from 1 to 65535; correct it");
  }
  if (url.scheme == KmsScheme::kHttp && !is_this_machine(url.place))
    return malformed(
        url.text, "http would send keys in clear over the network; write https://, or a port of 127.0.0.1");
  return url;
}

Result<KmsUrl> with_socket(KmsUrl url, std::string_view path) {
  if (!path.starts_with('/'))
    return malformed(url.text, "not an absolute path; write unix:/run/enfold-kmsd.sock");
  if (path.size() > kMaxSocketPath)
    return malformed(url.text, "the path is longer than the 107 bytes of a socket's; use a shorter one");
  url.place = path;
  return url;
}

std::vector<std::string_view> labels_of(std::string_view host) {
  std::vector<std::string_view> out;
  for (std::size_t dot = 0; dot != std::string_view::npos;) {
    dot = host.find('.');
    out.push_back(host.substr(0, dot));
    if (dot != std::string_view::npos) host.remove_prefix(dot + 1);
  }
  return out;
}

}  // namespace

std::string KmsUrl::host_header() const {
  if (scheme == KmsScheme::kUnix || scheme == KmsScheme::kEmbedded) return "localhost";
  const std::string host = place.find(':') == std::string::npos ? place : "[" + place + "]";
  return port == (scheme == KmsScheme::kHttp ? kHttpPort : kHttpsPort) ? host
                                                                       : host + ":" + std::to_string(port);
}

std::string KmsUrl::normal() const {
  if (scheme == KmsScheme::kUnix || scheme == KmsScheme::kEmbedded) return text;
  std::string host = host_header();
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return (scheme == KmsScheme::kHttp ? "http://" : "https://") + host;
}

Result<KmsUrl> parse_kms_url(const std::string& text) {
  constexpr std::string_view kEmbedded = "embedded:";
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  const std::string_view view = text;
  KmsUrl url{KmsScheme::kEmbedded, text, {}, 0};
  if (view.starts_with(kEmbedded) && view.size() > kEmbedded.size()) {
    url.place = view.substr(kEmbedded.size());
    return url;
  }
  if (view.starts_with(kUnix)) {
    url.scheme = KmsScheme::kUnix;
    return with_socket(std::move(url), view.substr(kUnix.size()));
  }
  if (view.starts_with(kHttp)) {
    url.scheme = KmsScheme::kHttp;
    return with_host(std::move(url), view.substr(kHttp.size()));
  }
  if (view.starts_with(kHttps)) {
    url.scheme = KmsScheme::kHttps;
    return with_host(std::move(url), view.substr(kHttps.size()));
  }
  return make_error(
      Errc::kUnsupported,
      "A KMS URL is embedded:DIR, unix:PATH, http://127.0.0.1:PORT or https://HOST, not " + text);
}

std::string region_of_host(std::string_view host) {
  std::vector<std::string_view> labels = labels_of(host);
  for (const auto& domain : {std::vector<std::string_view>{"amazonaws", "com"},
                             std::vector<std::string_view>{"amazonaws", "com", "cn"},
                             std::vector<std::string_view>{"api", "aws"}}) {
    if (labels.size() <= domain.size() || !std::ranges::equal(domain, std::span(labels).last(domain.size())))
      continue;
    labels.resize(labels.size() - domain.size());
    if (labels.back() == "vpce") labels.pop_back();
    const bool is_kms =
        labels.size() >= 2 && (labels[labels.size() - 2] == "kms" || labels[labels.size() - 2] == "kms-fips");
    return is_kms ? std::string(labels.back()) : std::string();
  }
  return {};
}

}  // namespace enfold
