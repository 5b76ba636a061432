#include "kms/wire/sigv4_time.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace enfold {
namespace {

namespace chrono = std::chrono;

struct Fields {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<std::int64_t> unix_ms_of(const Fields& fields) {
  const chrono::year_month_day date{chrono::year{fields.year}, chrono::month{fields.month},
                                    chrono::day{fields.day}};
  if (fields.year < 1970 || !date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60)
    return std::nullopt;
  const auto time = chrono::sys_days{date} + chrono::hours{fields.hour} + chrono::minutes{fields.minute} +
                    chrono::seconds{fields.second};
  return chrono::duration_cast<chrono::milliseconds>(time.time_since_epoch()).count();
}

// `text` against a pattern of the same length, in which # stands for a digit and ? for anything.
bool has_form(std::string_view text, std::string_view pattern) {
  return std::ranges::equal(text, pattern, [](char c, char expected) {
    return expected == '?' || (expected == '#' ? c >= '0' && c <= '9' : c == expected);
  });
}

// Digits only, which has_form has seen.
int number(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (char c : text.substr(at, count)) value = value * 10 + (c - '0');
  return value;
}

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void put(std::string& out, unsigned value, unsigned digits) {
  const std::size_t start = out.size();
  out.resize(start + digits);
  for (unsigned i = digits; i > 0; --i, value /= 10) out[start + i - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string amz_date(std::int64_t unix_ms) {
  const chrono::sys_time<chrono::milliseconds> time{chrono::milliseconds{unix_ms}};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{chrono::floor<chrono::seconds>(time - day)};
  std::string out;
  put(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(out, static_cast<unsigned>(date.month()), 2);
  put(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  put(out, static_cast<unsigned>(clock.hours().count()), 2);
  put(out, static_cast<unsigned>(clock.minutes().count()), 2);
  put(out, static_cast<unsigned>(clock.seconds().count()), 2);
  out += 'Z';
  return out;
}

std::optional<std::int64_t> parse_amz_date(std::string_view text) {
  if (!has_form(text, "########T######Z")) return std::nullopt;
  return unix_ms_of({.year = number(text, 0, 4),
                     .month = static_cast<unsigned>(number(text, 4, 2)),
                     .day = static_cast<unsigned>(number(text, 6, 2)),
                     .hour = number(text, 9, 2),
                     .minute = number(text, 11, 2),
                     .second = number(text, 13, 2)});
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (const auto basic = parse_amz_date(text)) return basic;
  if (!has_form(text, "???, ## ??? #### ##:##:## GMT")) return std::nullopt;
  const auto* month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return unix_ms_of({.year = number(text, 12, 4),
                     .month = static_cast<unsigned>(month - kMonths.begin()) + 1,
                     .day = static_cast<unsigned>(number(text, 5, 2)),
                     .hour = number(text, 17, 2),
                     .minute = number(text, 20, 2),
                     .second = number(text, 23, 2)});
}

}  // namespace enfold
