// Whether a lower filesystem can hold a volume at all.
#pragma once

#include <string>

#include "kms/base/entropy.h"
#include "kms/base/files.h"

namespace enfold {

// kCaseFolding where two names that differ in case are one file: encrypted names would collide. kUnsupported
// where names of 255 bytes do not fit. Makes and removes one file in the directory.
Result<void> probe_lower_directory(Files& files, int directory, const std::string& path, Entropy& entropy);

}  // namespace enfold
