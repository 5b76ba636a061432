#include "kms/engine/call_options.h"

namespace enfold {
namespace {

constexpr std::string_view kOnlyAlgorithm = "SYMMETRIC_DEFAULT";

}  // namespace

void validate_grant_tokens(Validation& validation, const std::vector<std::string>& tokens) {
  constexpr std::size_t kMaxTokens = 10;
  constexpr std::size_t kMaxTokenBytes = 8192;
  validation.count("grantTokens", tokens.size(), kMaxTokens);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    validation.blob("grantTokens." + std::to_string(i + 1) + ".member", as_bytes(tokens[i]), kMaxTokenBytes);
}

void validate_algorithm(Validation& validation, std::string_view path,
                        const std::optional<std::string>& algorithm) {
  validation.one_of(path, algorithm,
                    {"SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"});
}

Result<void> require_algorithm(const std::optional<std::string>& algorithm) {
  if (!algorithm || *algorithm == kOnlyAlgorithm) return {};
  return make_error(Errc::kKmsInvalidKeyUsage,
                    "Algorithm " + *algorithm + " is incompatible with key spec SYMMETRIC_DEFAULT.");
}

Result<void> require_meant(const CallOptions& options) {
  if (!options.dry_run) return {};
  return make_error(Errc::kKmsDryRun, "The request would have succeeded, but the DryRun option is set.");
}

}  // namespace enfold
