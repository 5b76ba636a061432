// What the parts of an open volume share. All references outlive every part; all members are thread-safe.
#pragma once

#include <string>

#include "fs/format/header.h"
#include "fs/format/keys.h"
#include "fs/volume/epochs.h"
#include "fs/volume/key_cache.h"
#include "kms/base/clock.h"
#include "kms/base/entropy.h"
#include "kms/base/files.h"

namespace enfold {

struct VolumeContext {
  Files& files;
  Entropy& entropy;
  Clock& clock;
  const VolumeKeys& keys;
  KeyCache& file_keys;
  Epochs& epochs;
  bool read_only = false;
};

}  // namespace enfold
