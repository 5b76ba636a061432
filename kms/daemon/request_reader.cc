#include "kms/daemon/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "kms/wire/wiped_string.h"

namespace enfold {
namespace {

namespace http = boost::beast::http;

using WipedBody = http::basic_string_body<char, std::char_traits<char>, WipingAllocator<char>>;
using Parser = http::request_parser<WipedBody>;

// Room for the longest head, so that a full buffer means one that is too long.
constexpr std::size_t kBufferBytes = 2 * kMaxHeadBytes;

MutableByteSpan writable(std::span<char> text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

struct RequestReader::State {
  WipedString buffer = WipedString(kBufferBytes, '\0');
  std::size_t begin = 0;  // of what is not parsed yet
  std::size_t end = 0;
  std::size_t used = 0;  // how far anything was written since the last wiping
  std::optional<Parser> slot;
  Parser* parser = nullptr;  // in it
  HttpRequestView view;
  Refusal refusal = Refusal::kMalformed;
  std::size_t head_bytes = 0;
  bool head_done = false;
  bool too_large = false;  // as its Content-Length says

  void begin_request() {
    parser = &slot.emplace();
    parser->header_limit(kMaxHeadBytes);
    parser->body_limit(boost::none);  // until the head is known
    head_bytes = 0;
    head_done = false;
    too_large = false;
    view = {};
  }
  Step refuse(Refusal why) {
    refusal = why;
    return Step::kRefused;
  }
  Step more() {
    if (begin > 0) {  // so that there is room behind
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(begin),
                buffer.begin() + static_cast<std::ptrdiff_t>(end), buffer.begin());
      end -= begin;
      begin = 0;
    }
    if (end < buffer.size()) return Step::kMore;
    return refuse(head_done ? Refusal::kMalformed : Refusal::kHeadTooLarge);
  }
  void take_head();
  bool frames_its_body() const;
  // The parser asserts that of a last chunk it never sees less than its shortest form, 0 CR LF CR LF.
  std::size_t least_bytes() const { return head_done && parser->chunked() ? 5 : 1; }
  Step step();
  Step put(boost::beast::error_code& error);
};

void RequestReader::State::take_head() {
  head_done = true;
  const auto& head = parser->get();
  view.method = head.method_string();
  view.target = head.target();
  view.headers.clear();
  for (const auto& field : head.base()) view.headers.push_back({field.name_string(), field.value()});
}

// What the parser lets pass and another parser on the way could read otherwise (RFC 9112 sections 3.2, 6.1).
bool RequestReader::State::frames_its_body() const {
  const auto& head = parser->get();
  const bool is_1_1 = head.version() >= 11;
  if (is_1_1 && head.count(http::field::host) != 1) return false;
  const auto codings = head.count(http::field::transfer_encoding);
  if (codings == 0) return true;
  return is_1_1 && codings == 1 && boost::beast::iequals(head[http::field::transfer_encoding], "chunked");
}

RequestReader::Step RequestReader::State::put(boost::beast::error_code& error) {
  const std::size_t taken = parser->put({buffer.data() + begin, end - begin}, error);
  begin += taken;
  if (!head_done) {
    head_bytes += taken;
    // The parser's own limit begins anew with each call.
    if (head_bytes > kMaxHeadBytes) return refuse(Refusal::kHeadTooLarge);
  }
  if (error == http::error::need_more || (!error && taken == 0)) return more();
  if (error == http::error::header_limit) return refuse(Refusal::kHeadTooLarge);
  if (error == http::error::body_limit) return refuse(Refusal::kBodyTooLarge);
  if (error) return refuse(Refusal::kMalformed);
  return Step::kWhole;  // go on
}

RequestReader::Step RequestReader::State::step() {
  if (too_large) return refuse(Refusal::kBodyTooLarge);
  for (;;) {
    if (head_done && parser->is_done()) {
      view.body = parser->get().body();
      return Step::kWhole;
    }
    if (end - begin < least_bytes()) return more();
    boost::beast::error_code error;
    const Step step = put(error);
    if (step != Step::kWhole) return step;
    if (head_done || !parser->is_header_done()) continue;
    take_head();
    return frames_its_body() ? Step::kHead : refuse(Refusal::kMalformed);
  }
}

RequestReader::RequestReader() : state_(std::make_unique<State>()) { state_->begin_request(); }
RequestReader::~RequestReader() = default;

std::span<char> RequestReader::space() {
  return {state_->buffer.data() + state_->end, state_->buffer.size() - state_->end};
}

void RequestReader::received(std::size_t count) {
  state_->end += count;
  state_->used = std::max(state_->used, state_->end);
}

RequestReader::Step RequestReader::advance() { return state_->step(); }

void RequestReader::allow_body(std::size_t limit) {
  // The parser's limit is for chunks: it looked at the length before it knew one.
  state_->parser->body_limit(limit);
  const auto length = state_->parser->content_length();
  state_->too_large = length && *length > limit;
}

const HttpRequestView& RequestReader::request() const { return state_->view; }
RequestReader::Refusal RequestReader::refusal() const { return state_->refusal; }
bool RequestReader::keeps_alive() const { return state_->parser->keep_alive(); }
bool RequestReader::is_http_1_0() const { return state_->parser->get().version() < 11; }

bool RequestReader::expects_continue() const {
  const State& state = *state_;
  return state.head_done && !is_http_1_0() && state.begin == state.end && state.view.body.empty() &&
         boost::beast::iequals(state.parser->get()[http::field::expect], "100-continue");
}

bool RequestReader::has_begun() const { return state_->parser->got_some() || state_->begin != state_->end; }

void RequestReader::next() {
  State& state = *state_;
  state.begin_request();
  std::copy(state.buffer.begin() + static_cast<std::ptrdiff_t>(state.begin),
            state.buffer.begin() + static_cast<std::ptrdiff_t>(state.end), state.buffer.begin());
  state.end -= state.begin;
  state.begin = 0;
  wipe(writable({state.buffer.data() + state.end, std::max(state.used, state.end) - state.end}));
  state.used = state.end;
}

void RequestReader::discard() {
  state_->begin = state_->end;
  next();
}

}  // namespace enfold
