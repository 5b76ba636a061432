// How far long work is, on standard error: one line that is written over on a terminal, else a line now and
// then.
#pragma once

#include <cstdint>
#include <string>

#include "kms/base/clock.h"

namespace enfold {

class ProgressLine {
 public:
  explicit ProgressLine(Clock& clock);

  // Once a second on a terminal, else every ten; the first time after one interval, so that short work shows
  // none.
  bool is_due();
  void show(const std::string& text);
  void clear();                          // before anything else is printed
  [[nodiscard]] double seconds() const;  // since this was made

 private:
  Clock& clock_;
  std::int64_t start_ns_;
  std::int64_t next_ns_;
  bool is_terminal_;
  bool is_shown_ = false;
};

}  // namespace enfold
