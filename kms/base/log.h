// The process's log. Lines name inodes, lower paths and ids: never a secret, never a plain name.
#pragma once

#include <cstdint>
#include <string_view>

namespace enfold {

// kNowhere is for tests that make thousands of findings.
enum class LogTarget : std::uint8_t { kStderr, kSyslog, kNowhere };
void open_log(LogTarget target);

void log_info(std::string_view line);
void log_warning(std::string_view line);
void log_error(std::string_view line);

}  // namespace enfold
