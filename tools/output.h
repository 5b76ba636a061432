// What a command answers on standard output: for a person, or with --json as one JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace enfold {

struct Field;
using Fields = std::vector<Field>;

// Names are JSON's, in snake case; a person sees blanks. An empty text is null, and not shown to a person.
struct Field {
  std::string name;
  std::variant<std::string, std::uint64_t, bool, std::vector<std::string>, Fields, std::vector<Fields>> value;
};

void print(const Fields& fields, bool json);

// One line for a person, as it is; nothing with --json.
void print_line(const std::string& line, bool json);

}  // namespace enfold
