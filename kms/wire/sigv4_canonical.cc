#include "kms/wire/sigv4_canonical.h"

#include <optional>
#include <utility>

#include "kms/crypto/wiped_bytes.h"

namespace enfold {
namespace {

bool is_unreserved(char c) {  // RFC 3986 section 2.3
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.append({'%', kDigits[byte >> 4U], kDigits[byte & 15U]});
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// A part of a query with each byte encoded the one way, however the sender had encoded it.
std::string encode_again(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    char c = part[i];
    if (c == '%' && i + 2 < part.size()) {
      const auto high = hex_value(part[i + 1]);
      const auto low = hex_value(part[i + 2]);
      if (high && low) {
        c = static_cast<char>(*high << 4U | *low);
        i += 2;
      }
    }
    if (is_unreserved(c))
      out += c;
    else
      append_encoded(out, c);
  }
  return out;
}

// The part before the next separator, which is taken off `rest` with it.
std::string_view take_part(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

// Without "." and "..", and without empty segments (RFC 3986 section 6.2.2.3); what is encoded already is
// encoded once more, as every service but S3 has it.
void append_path(std::string& out, std::string_view path) {
  if (path == "/" || path.empty()) {
    out += '/';
    return;
  }
  std::vector<std::string_view> segments;
  const bool ends_as_directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = take_part(rest, '/');
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") segments.push_back(segment);
  }
  for (std::string_view segment : segments) {
    out += '/';
    for (char c : segment) {
      if (is_unreserved(c))
        out += c;
      else
        append_encoded(out, c);
    }
  }
  if (segments.empty() || ends_as_directory) out += '/';
}

void append_query(std::string& out, std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    std::string_view value = take_part(query, '&');
    if (value.empty()) continue;
    const std::string_view name = take_part(value, '=');
    parameters.emplace_back(encode_again(name), encode_again(value));
  }
  std::ranges::sort(parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (i != 0) out += '&';
    out.append(parameters[i].first).append("=").append(parameters[i].second);
  }
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Without spaces at the ends, and with one where there are several.
void append_value(std::string& out, std::string_view value) {
  bool gap = false;
  bool any = false;
  for (char c : value) {
    if (is_space(c)) {
      gap = any;
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    any = true;
    out += c;
  }
}

void append_header(std::string& out, const HttpRequestView& request, std::string_view name) {
  out.append(name).append(":");
  bool another = false;
  for (const HeaderView& header : request.headers) {
    if (!is_header(header.name, name)) continue;
    if (std::exchange(another, true)) out += ',';
    append_value(out, header.value);
  }
  out += '\n';
}

void append_scope(std::string& out, const CredentialScope& scope) {
  out.append(scope.date).append("/").append(scope.region).append("/").append(scope.service);
  out.append("/aws4_request");
}

// A key on the way from the secret to the signature.
struct StepKey {
  explicit StepKey(Digest of) : bytes(of) {}
  StepKey(const StepKey&) = delete;
  StepKey& operator=(const StepKey&) = delete;
  ~StepKey() { wipe(bytes); }
  Digest bytes;
};

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string canonical_request(const HttpRequestView& request, std::span<const std::string> signed_headers,
                              std::string_view payload_hash) {
  std::string out;
  out.reserve(1024);
  out.append(request.method).append("\n");
  std::string_view query = request.target;
  append_path(out, take_part(query, '?'));
  out += '\n';
  append_query(out, query);
  out += '\n';
  for (const std::string& name : signed_headers) append_header(out, request, name);
  out += '\n';
  for (const std::string& name : signed_headers) out.append(name).append(";");
  if (!signed_headers.empty()) out.pop_back();
  out.append("\n").append(payload_hash);
  return out;
}

std::string string_to_sign(std::string_view timestamp, const CredentialScope& scope,
                           std::string_view canonical_request) {
  std::string out = "AWS4-HMAC-SHA256\n";
  out.append(timestamp).append("\n");
  append_scope(out, scope);
  out.append("\n").append(to_hex(sha256({as_bytes(canonical_request)})));
  return out;
}

std::string signature_of(ByteSpan secret, const CredentialScope& scope, std::string_view string_to_sign) {
  static constexpr std::string_view kPrefix = "AWS4";
  WipedBytes start(kPrefix.size() + secret.size());
  copy_bytes(as_bytes(kPrefix), start.expose_mutable().first(kPrefix.size()));
  copy_bytes(secret, start.expose_mutable().subspan(kPrefix.size()));
  const StepKey date(hmac_sha256(start.expose(), {as_bytes(scope.date)}));
  const StepKey region(hmac_sha256(date.bytes, {as_bytes(scope.region)}));
  const StepKey service(hmac_sha256(region.bytes, {as_bytes(scope.service)}));
  const StepKey key(hmac_sha256(service.bytes, {as_bytes("aws4_request")}));
  return to_hex(hmac_sha256(key.bytes, {as_bytes(string_to_sign)}));
}

}  // namespace enfold
