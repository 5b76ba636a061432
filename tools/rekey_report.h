// What `enfold rekey` answers.
#pragma once

#include <vector>

#include "fs/volume/rekey.h"
#include "tools/output.h"

namespace enfold {

struct RekeyAnswer {
  std::string volume;
  std::string lower;
  RekeyMode mode;
  double seconds;
  std::vector<Fields> findings;
};
void print_rekey(const RekeyAnswer& answer, const RekeyReport& report, bool json);

}  // namespace enfold
