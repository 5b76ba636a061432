// Going into the background without losing the error of what fails on the way.
#pragma once

#include <functional>

#include "kms/base/error.h"

namespace enfold {

// Forks, and runs `work` in the child, which keeps the terminal (a passphrase can be asked for there) until
// it calls `ready`: then it leaves the session, the directory and the standard streams. Returns
//   in the parent: success once the child is ready, else the error with which `work` ended before that;
//   in the child: what `work` returned after it was ready. Before that the child does not return.
// Call it with one thread, and with the standard streams open: their numbers must not be another file's.
// Ready is called once, by the thread that runs `work`.
using Ready = std::function<void()>;
Result<void> in_background(const std::function<Result<void>(const Ready& ready)>& work);

}  // namespace enfold
