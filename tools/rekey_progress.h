// What the line of progress of `enfold rekey` says.
#pragma once

#include <string>

#include "fs/volume/rekey_target.h"

namespace enfold {

class RekeyProgressText {
 public:
  // Of all that is heard, shown or not; `seconds` never go back.
  void hear(const RekeyCounts& counts, double seconds);
  // With a rate as soon as there is a second of the pass to tell it from.
  [[nodiscard]] std::string text(double seconds) const;

 private:
  RekeyCounts began_;  // as first heard of this pass: those that find nothing to do are quicker
  double began_seconds_ = 0;
  RekeyCounts now_;
};

}  // namespace enfold
