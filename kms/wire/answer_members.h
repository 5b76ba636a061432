// Writing an answer's members as AWS does.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "kms/base/bytes.h"
#include "kms/engine/operations.h"
#include "kms/wire/aws_error.h"

namespace enfold {

void put_text(boost::json::object& out, std::string_view name, std::string_view value);
void put_blob(boost::json::object& out, std::string_view name, ByteSpan value);
void put_date(boost::json::object& out, std::string_view name,
              std::int64_t unix_ms);  // seconds, with decimals
void put_flag(boost::json::object& out, std::string_view name, bool value);
void put_integer(boost::json::object& out, std::string_view name, std::int64_t value);

// A list under `name`, and a structure at its end, in the memory of `out`.
boost::json::array& put_list(boost::json::object& out, std::string_view name);
boost::json::object& put_structure(boost::json::array& list);

// Truncated, and NextMarker where it is.
void put_page(boost::json::object& out, bool truncated, std::string_view next_marker);

void put_metadata(boost::json::object& out, const KeyMetadata& metadata);

// __type and message, which is left out where it is empty.
void put_error(boost::json::object& out, const AwsError& error);

}  // namespace enfold
