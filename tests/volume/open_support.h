// A user of their own: XDG directories in a temporary place, which goes with all that is in it.
#pragma once

#include <cstdlib>
#include <string>

#include "tests/volume/tree_support.h"

namespace enfold {

class TemporaryUser {
 public:
  TemporaryUser() {
    ::setenv("XDG_CONFIG_HOME", (place_.path() / "config").c_str(), 1);
    ::setenv("XDG_DATA_HOME", (place_.path() / "data").c_str(), 1);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return place_.path() / name; }

 private:
  TemporaryDirectory place_;
};

}  // namespace enfold
