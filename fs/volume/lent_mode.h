// A mode that forbids something to its owner, who we are, lends it for the moment.
#pragma once

#include <optional>

#include "kms/base/files.h"

namespace enfold {

// With Places::names() held exclusively: nobody sees or changes the mode meanwhile. `fd` outlives it, and may
// be O_PATH. Where nothing can or need be lent, nothing is done, and what follows fails as it would.
class LentMode {
 public:
  LentMode(Files& files, int fd, mode_t bits);
  LentMode(const LentMode&) = delete;
  LentMode& operator=(const LentMode&) = delete;
  ~LentMode();

 private:
  Files& files_;
  int fd_;
  std::optional<mode_t> mode_;  // to put back
};

}  // namespace enfold
