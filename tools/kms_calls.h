// What the commands that administer a key service share: which service, and calls of it.
#pragma once

#include <boost/json/fwd.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kms/client/kms_api.h"
#include "tools/output.h"
#include "tools/passphrase.h"

namespace CLI {
class App;
}

namespace enfold {

struct KmsOptions {
  std::string kms;
  std::string region;
  PassphraseOrigin passphrase;
};

// Adds --kms, --region and the passphrase's options.
void add_kms_options(CLI::App& command, KmsOptions& options);

class KmsCalls {
 public:
  static Result<KmsCalls> open(const KmsOptions& options);
  KmsCalls(std::shared_ptr<KmsApi> api, std::string url, std::string region)
      : api_(std::move(api)), url_(std::move(url)), region_(std::move(region)) {}

  // `target` as in X-Amz-Target.
  Result<boost::json::object> call(std::string_view target, const boost::json::object& request) const;
  // All pages of a list, entry by entry; the answer's member `list` is it.
  Result<void> call_list(std::string_view target, boost::json::object request, std::string_view list,
                         const std::function<Result<void>(const boost::json::object& entry)>& take) const;

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  std::shared_ptr<KmsApi> api_;
  std::string url_;
  std::string region_;
};

// 2026-11-22T12:00:00Z, of a date as AWS's JSON has it; empty where there is none.
std::string date_in(const boost::json::object& object, std::string_view name);
// Nothing where the member is no number.
std::optional<std::int64_t> number_in(const boost::json::object& object, std::string_view name);

}  // namespace enfold
