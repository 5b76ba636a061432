// Who calls, and where the call is addressed.
#pragma once

#include <string>
#include <utility>

namespace enfold {

// Only keys of this region and account are found by a call.
struct CallScope {
  std::string region;
  std::string account;  // 12 digits
  friend bool operator==(const CallScope&, const CallScope&) = default;
};

// The scope of an embedded store's own keys.
inline CallScope local_scope() { return {"local", "000000000000"}; }

// A caller whose identity is established: by a signature, by the Unix socket, or by being in this process.
struct KmsCaller {
  // Without a principal: the account itself, as a process that has the store open is. Not explicit, so that
  // there a scope stands for its caller.
  KmsCaller(CallScope of, std::string principal_arn = {})  // NOLINT(google-explicit-constructor)
      : scope(std::move(of)), principal(std::move(principal_arn)) {}

  CallScope scope;
  std::string principal;  // arn:aws:iam::ACCOUNT:user/NAME
};

}  // namespace enfold
