// HTTP/1.1 requests out of a stream of bytes: heads of at most 16 KiB, then as much body as is allowed for
// the head. No sockets. What it held is wiped when a request is forgotten. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "kms/wire/http_message.h"

namespace enfold {

inline constexpr std::size_t kMaxHeadBytes = std::size_t{16} * 1024;

class RequestReader {
 public:
  enum class Step : std::uint8_t {
    kMore,     // receive more
    kHead,     // the head is there: allow_body() next
    kWhole,    // the request is there: answer it, and next()
    kRefused,  // see refusal(); what follows on the connection means nothing
  };
  enum class Refusal : std::uint8_t { kMalformed, kHeadTooLarge, kBodyTooLarge };

  RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  // Where the next bytes of the connection go; not empty after kMore.
  std::span<char> space();
  void received(std::size_t count);

  Step advance();
  void allow_body(std::size_t limit);

  // Valid until next(). Its headers are those of the head, not of a chunked body's trailer.
  [[nodiscard]] const HttpRequestView& request() const;
  [[nodiscard]] Refusal refusal() const;
  [[nodiscard]] bool keeps_alive() const;  // whether the client wants to go on after this request
  [[nodiscard]] bool is_http_1_0() const;
  [[nodiscard]] bool expects_continue() const;  // and no byte of the body has come
  [[nodiscard]] bool has_begun() const;         // a byte of a request that is not whole is there

  // Forgets the request; bytes after it are the next one's.
  void next();
  // Forgets what was received, too: nothing is read from here on.
  void discard();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace enfold
