// The client's side of AWS's JSON, in memory that is wiped (kms/wire/json_memory.h).
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kms/base/bytes.h"
#include "kms/base/error.h"
#include "kms/engine/encryption_context.h"

namespace enfold {

boost::json::object wiped_object();
// Of an answer for one thing, or a page of a list: parsing takes more than twenty times as much memory.
inline constexpr std::size_t kMaxJsonBytes = std::size_t{1} << 20U;
// Nothing where the text is no JSON, or no object, or longer.
std::optional<boost::json::object> parse_wiped(std::string_view text, std::size_t max_bytes = kMaxJsonBytes);

// Members of what a service answered. Nothing, or an empty text, where there is no such member of that type.
const boost::json::object* object_in(const boost::json::object& object, std::string_view name);
std::string text_in(const boost::json::object& object, std::string_view name);

// kKmsBadAnswer where the member is not there, no base64, or decodes to more than `limit` bytes or to none.
Result<Bytes> blob_in(const boost::json::object& object, std::string_view name, std::size_t limit);
// The same for a key: exactly the bytes of `out`, decoded there and nowhere else.
Result<void> key_in(const boost::json::object& object, std::string_view name,
                    std::span<std::uint8_t, 32> out);

void add_blob(boost::json::object& object, std::string_view name, ByteSpan bytes);
void add_context(boost::json::object& object, std::string_view name, const EncryptionContext& context);

}  // namespace enfold
