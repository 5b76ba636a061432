// Does the verifier end well on any head, and accept nothing that was not signed? Who makes the input does
// not know the secret.
#include <cstdlib>

#include "kms/wire/sigv4.h"
#include "kms/wire/sigv4_canonical.h"

namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::int64_t kNow = 1'795'297'212'000;

// Lines "name:value"; what comes before a line without a colon is the target, what comes behind it the body.
enfold::HttpRequestView split(std::string_view text) {
  enfold::HttpRequestView out{.method = "POST", .target = "/", .headers = {}, .body = {}};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      out.target = line;
      out.body = text;
      return out;
    }
    out.headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  return out;
}

void expect_refused(const enfold::HttpRequestView& request) {
  const auto claim = enfold::read_signature(request);
  const std::vector<std::string> names = claim ? claim->signed_headers : std::vector<std::string>{"host"};
  if (enfold::canonical_request(request, names, "").empty()) std::abort();
  if (!claim) {
    if (claim.error().status != 400 || claim.error().message.size() > 2000) std::abort();
    return;
  }
  if (enfold::verify_signature(request, *claim, enfold::as_bytes(kSecret), kNow)) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  enfold::HttpRequestView request = split(input);
  expect_refused(request);
  // The same as the Authorization of a request whose other headers are in order.
  request.headers = {{"host", "localhost"},
                     {"x-amz-date", "20261121T214012Z"},
                     {"x-amz-target", "Enfold.Ping"},
                     {"authorization", input}};
  expect_refused(request);
  const std::string credential =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/local/kms/aws4_request, "
      "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" +
      std::string(input);
  request.headers.back().value = credential;
  expect_refused(request);
  return 0;
}
