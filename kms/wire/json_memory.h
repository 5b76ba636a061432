// Memory for JSON that may hold key material, and JSON text in and out of it.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <string_view>

#include "kms/wire/aws_error.h"
#include "kms/wire/wiped_string.h"

namespace enfold {

// What one request and its answer need, given out in a row and wiped all at once: what is made over storage()
// must not outlive this. Not thread-safe.
class JsonArena {
 public:
  JsonArena();
  JsonArena(const JsonArena&) = delete;
  JsonArena& operator=(const JsonArena&) = delete;
  ~JsonArena();

  boost::json::storage_ptr storage();

 private:
  class Resource;
  std::unique_ptr<Resource> resource_;
};

// Memory on the heap that is wiped when it is freed, shared by what is made over it.
boost::json::storage_ptr wiping_storage();

// The object that `text` is. SerializationException where it is none, is nested deeper than 16 levels or has
// anything behind it. Of members with the same name the last counts, as in AWS's parser.
AwsResult<boost::json::object> parse_json(std::string_view text, JsonArena& arena);

// Without spaces.
WipedString json_text(const boost::json::object& object);

}  // namespace enfold
