#include "kms/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace enfold {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
  static auto* instance = new std::shared_ptr<spdlog::logger>(spdlog::stderr_logger_mt("enfold"));
  return *instance;
}

}  // namespace

void open_log(LogTarget target) {
  if (target == LogTarget::kNowhere) logger()->set_level(spdlog::level::off);
  if (target != LogTarget::kSyslog) return;
  auto sink = std::make_shared<spdlog::sinks::syslog_sink_mt>("enfold", 0, 0, false);
  logger() = std::make_shared<spdlog::logger>("enfold", sink);
}

void log_info(std::string_view line) { logger()->info("{}", line); }
void log_warning(std::string_view line) { logger()->warn("{}", line); }
void log_error(std::string_view line) { logger()->error("{}", line); }

}  // namespace enfold
