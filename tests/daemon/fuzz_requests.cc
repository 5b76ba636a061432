// Bytes of a connection, as one piece and in pieces: no crash, no hang, and the same requests.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/daemon/request_reader.h"

namespace {

using enfold::RequestReader;

constexpr std::size_t kBodyLimit = 2048;

// So that chance gets behind the first line.
constexpr std::array<std::string_view, 5> kStarts = {
    "", "POST / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"};

void take_whole(RequestReader& reader, std::vector<std::string>& requests) {
  const enfold::HttpRequestView& request = reader.request();
  std::string text(request.method);
  text.append(" ").append(request.target).append(reader.keeps_alive() ? " kept" : " last");
  for (const auto& header : request.headers)
    text.append("\n").append(header.name).append(":").append(header.value);
  if (request.body.size() > kBodyLimit) std::abort();
  requests.push_back(text.append("\n\n").append(request.body));
  reader.next();
}

// False where the connection would end.
bool advance(RequestReader& reader, std::vector<std::string>& requests) {
  for (;;) {
    switch (reader.advance()) {
      case RequestReader::Step::kMore:
        (void)reader.expects_continue();
        return true;
      case RequestReader::Step::kHead:
        reader.allow_body(kBodyLimit);
        break;
      case RequestReader::Step::kWhole:
        take_whole(reader, requests);
        break;
      case RequestReader::Step::kRefused:
        (void)reader.refusal();
        return false;
    }
  }
}

std::vector<std::string> requests_in(enfold::ByteSpan bytes, std::size_t piece) {
  RequestReader reader;
  std::vector<std::string> requests;
  while (!bytes.empty()) {
    const std::span<char> space = reader.space();
    if (space.empty()) std::abort();
    const std::size_t count = std::min({space.size(), piece, bytes.size()});
    std::memcpy(space.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
    reader.received(count);
    if (!advance(reader, requests)) break;
  }
  return requests;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string text(kStarts.at(data[0] % kStarts.size()));
  text.append(reinterpret_cast<const char*>(data + 1), size - 1);
  const enfold::ByteSpan bytes = enfold::as_bytes(text);
  const auto whole = requests_in(bytes, bytes.size() + 1);
  if (requests_in(bytes, 1 + data[0] % 64U) != whole) std::abort();
  if (requests_in(bytes, 1) != whole) std::abort();
  return 0;
}
