// Asking operations with JSON objects.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "tests/wire/service_world.h"

namespace enfold {

class OperationWorld : public ServiceWorld {
 protected:
  ReadAnswer ask(std::string_view operation, const boost::json::object& request);
  ReadAnswer ask_as(std::uint32_t unix_id, std::string_view operation, const boost::json::object& request);
};

// The names of an answer's members, in order of the alphabet, with commas between.
std::string members(const ReadAnswer& answer);
std::string members(const boost::json::object& object);

std::string base64_of(std::string_view text);

}  // namespace enfold
