#include "kms/client/signed_request.h"

#include <string>
#include <vector>

#include "kms/wire/http_message.h"
#include "kms/wire/sigv4.h"

namespace enfold {

WipedString request_text(const RequestParts& parts, const ClientAccessKey* key, std::int64_t now_unix_ms) {
  const std::string host = parts.url.host_header();
  const std::string length = std::to_string(parts.body.size());
  HttpRequestView request{"POST",
                          "/",
                          {{"Host", host},
                           {"Content-Type", "application/x-amz-json-1.1"},
                           {"Content-Length", length},
                           {"User-Agent", "enfold"},
                           {"X-Amz-Target", parts.target}},
                          parts.body};
  if (key == nullptr && !parts.region.empty()) request.headers.push_back({"x-enfold-region", parts.region});
  std::vector<OwnedHeader> signature;
  if (key != nullptr)
    signature =
        sign_request(request, {key->id, key->secret.expose(), key->session_token}, parts.region, now_unix_ms);
  for (const OwnedHeader& header : signature) request.headers.push_back({header.name, header.value});

  constexpr std::size_t kLineExtra = 4;  // ": " and the line's end
  std::size_t size = parts.body.size() + 64;
  for (const HeaderView& header : request.headers)
    size += header.name.size() + header.value.size() + kLineExtra;
  WipedString out;
  out.reserve(size);  // once, so that nothing is copied
  out.append("POST / HTTP/1.1\r\n");
  for (const HeaderView& header : request.headers)
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  out.append("\r\n").append(parts.body);
  return out;
}

}  // namespace enfold
