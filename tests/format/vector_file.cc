#include "tests/format/vector_file.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace enfold::format_test {
namespace {

[[noreturn]] void malformed(const std::string& line) {
  std::fprintf(stderr, "malformed vector line: %s\n", line.c_str());
  std::abort();
}

void apply(const std::string& key, const std::string& value, VectorCase& target) {
  if (key == "size") {
    target.bytes.resize(std::strtoull(value.c_str(), nullptr, 10));
  } else if (key == "at") {
    const std::size_t space = value.find(' ');
    const std::size_t offset = std::strtoull(value.c_str(), nullptr, 10);
    Bytes patch;
    if (space == std::string::npos || !from_hex(value.substr(space + 1), patch) ||
        offset + patch.size() > target.bytes.size())
      malformed("at: " + value);
    std::ranges::copy(patch, target.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  } else {
    target.fields[key] = value;
  }
}

// Where a run of changed bytes that starts at `start` ends; short equal stretches belong to it.
std::size_t end_of_run(ByteSpan base, ByteSpan bytes, std::size_t start) {
  constexpr std::size_t kBridgeBytes = 8;
  std::size_t end = start;
  for (std::size_t i = start; i < bytes.size() && i < end + kBridgeBytes; ++i)
    if (bytes[i] != base[i]) end = i + 1;
  return end;
}

}  // namespace

VectorFile parse_vectors(const std::string& text) {
  VectorFile file;
  VectorCase base;
  VectorCase* target = &base;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) malformed(line);
    const std::string key = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (key == "structure") {
      file.structure = value;
    } else if (key == "case") {
      file.cases.push_back(base);
      target = &file.cases.back();
      target->name = value;
    } else {
      apply(key, value, *target);
    }
  }
  return file;
}

std::string patch_lines(ByteSpan base, ByteSpan bytes) {
  std::string out;
  Bytes from(base.begin(), base.end());
  if (from.size() != bytes.size()) out += "size: " + std::to_string(bytes.size()) + "\n";
  from.resize(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == from[i]) continue;
    const std::size_t end = end_of_run(from, bytes, i);
    out += "at: " + std::to_string(i) + " " + to_hex(bytes.subspan(i, end - i)) + "\n";
    i = end;
  }
  return out;
}

}  // namespace enfold::format_test
