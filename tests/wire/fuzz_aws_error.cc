// Does reading an error's class end well on any text, and say only what is printable of its name?
#include <algorithm>
#include <cstdlib>

#include "kms/base/bytes.h"
#include "kms/wire/aws_error.h"
#include "kms/wire/quote.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  enfold::ByteReader reader({data, size});
  const int status = reader.u16() % 700;
  const std::string type = enfold::as_string(reader.bytes(reader.remaining()));
  const enfold::Error error = enfold::error_of_answer(type, "", status);
  if (error.code == enfold::Errc::kSystem || error.message.size() > 200) std::abort();
  if (!std::ranges::all_of(error.message, [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
  const std::string cleaned = enfold::valid_utf8(type);
  if (enfold::valid_utf8(cleaned) != cleaned || cleaned.size() > type.size()) std::abort();
  return 0;
}
