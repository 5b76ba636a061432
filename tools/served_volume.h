// An open volume as a mount holds it: with what it stands on, and the control socket by which the tools reach
// it.
#pragma once

#include <memory>
#include <string>

#include "fs/volume/open_volume.h"

namespace enfold {

// Opens the volume and answers on its control socket until it is closed. A socket that cannot be made is
// logged and done without. `mountpoint` is for `status`.
Result<std::unique_ptr<OpenVolume>> open_served_volume(const OpenRequest& request,
                                                       PassphraseSource& passphrase, std::string mountpoint);

}  // namespace enfold
