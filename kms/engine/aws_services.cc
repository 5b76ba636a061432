#include "kms/engine/aws_services.h"

#include <algorithm>

#include "kms/engine/arn.h"

namespace enfold {
namespace {

constexpr std::string_view kPrefix = "alias/aws/";
constexpr std::string_view kServices[] = {
    "acm",  "backup",  "codecommit",   "dynamodb", "ebs", "elasticfilesystem", "es", "fsx",
    "glue", "kinesis", "kinesisvideo", "lambda",   "rds", "redshift",          "s3", "secretsmanager",
    "sns",  "sqs",     "ssm",          "xray"};
static_assert(std::ranges::is_sorted(kServices));

}  // namespace

std::span<const std::string_view> aws_services() { return kServices; }

AliasEntry predefined_alias(const CallScope& scope, std::string_view service) {
  const std::string name = std::string(kPrefix).append(service);
  return {.name = name, .arn = alias_arn(scope, name), .target_key_id = {}};
}

std::string_view service_of(std::string_view alias) {
  if (!alias.starts_with(kPrefix)) return {};
  const std::string_view service = alias.substr(kPrefix.size());
  return std::ranges::binary_search(kServices, service) ? service : std::string_view{};
}

}  // namespace enfold
