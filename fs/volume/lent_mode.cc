#include "fs/volume/lent_mode.h"

#include "fs/volume/places.h"
#include "kms/base/log.h"

namespace enfold {

LentMode::LentMode(Files& files, int fd, mode_t bits) : files_(files), fd_(fd) {
  auto lower = files_.stat_at(fd_, "");
  if (!lower || !can_lend(*lower, bits)) return;
  const mode_t mode = lower->stx_mode & 07777U;
  if (files_.set_mode(fd_, mode | bits)) mode_ = mode;
}

LentMode::~LentMode() {
  if (!mode_) return;
  if (auto restored = files_.set_mode(fd_, *mode_); !restored)
    log_error("mode of a lower file that was lent rights: " + describe(restored.error()));
}

}  // namespace enfold
