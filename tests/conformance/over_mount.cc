// The suite over a mount, and over a plain directory, which shows that cases say what Linux does.
#include "tests/conformance/implementations.h"
#include "tests/conformance/mounted_filesystem.h"

namespace enfold {

const std::vector<Implementation>& implementations() {
  static const std::vector<Implementation> all = {{"Host", make_filesystem<HostFilesystem>},
                                                  {"Mount", make_filesystem<MountedFilesystem>}};
  return all;
}

const std::vector<Implementation>& implementations_and_users() { return implementations(); }

const std::vector<Implementation>& implementations_for_root() { return implementations(); }

}  // namespace enfold
