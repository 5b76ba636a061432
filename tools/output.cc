#include "tools/output.h"

#include <boost/json.hpp>
#include <iostream>

#include "tools/printable.h"

namespace enfold {
namespace {

namespace json = boost::json;

json::object object_of(const Fields& fields);

struct ToJson {
  json::value operator()(const std::string& text) const {
    return text.empty() ? json::value(nullptr) : json::value(printable(text));
  }
  json::value operator()(std::uint64_t number) const { return json::value(number); }
  json::value operator()(bool flag) const { return json::value(flag); }
  json::value operator()(const std::vector<std::string>& texts) const {
    json::array out;
    for (const std::string& text : texts) out.emplace_back(printable(text));
    return out;
  }
  json::value operator()(const Fields& fields) const { return object_of(fields); }
  json::value operator()(const std::vector<Fields>& objects) const {
    json::array out;
    for (const Fields& fields : objects) out.push_back(object_of(fields));
    return out;
  }
};

json::object object_of(const Fields& fields) {
  json::object out;
  for (const Field& field : fields) out[field.name] = std::visit(ToJson{}, field.value);
  return out;
}

std::string title_of(const std::string& name) {
  std::string out = name;
  std::ranges::replace(out, '_', ' ');
  return out;
}

void print_for_person(const Fields& fields, const std::string& indent);

struct ToPerson {
  const std::string& title;
  const std::string& indent;

  void line(const std::string& text) const { std::cout << indent << title << ": " << text << "\n"; }
  void operator()(const std::string& text) const {
    if (!text.empty()) line(printable(text));
  }
  void operator()(std::uint64_t number) const { line(std::to_string(number)); }
  void operator()(bool flag) const { line(flag ? "yes" : "no"); }
  void operator()(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) line(printable(text));
  }
  void operator()(const Fields& fields) const {
    std::cout << indent << title << ":\n";
    print_for_person(fields, indent + "  ");
  }
  void operator()(const std::vector<Fields>& objects) const {
    for (const Fields& fields : objects) {
      std::cout << indent << title << ":\n";
      print_for_person(fields, indent + "  ");
    }
  }
};

void print_for_person(const Fields& fields, const std::string& indent) {
  for (const Field& field : fields) {
    const std::string title = title_of(field.name);
    std::visit(ToPerson{title, indent}, field.value);
  }
}

}  // namespace

void print(const Fields& fields, bool json) {
  if (json)
    std::cout << json::serialize(object_of(fields)) << "\n";
  else
    print_for_person(fields, "");
  std::cout.flush();
}

void print_line(const std::string& line, bool json) {
  if (!json) std::cout << line << "\n" << std::flush;
}

}  // namespace enfold
