// The suite over the model, which shows that cases and model agree, and over the volume without a kernel.
#include "tests/conformance/implementations.h"
#include "tests/conformance/model.h"
#include "tests/conformance/volume_filesystem.h"

namespace enfold {

const std::vector<Implementation>& implementations() {
  static const std::vector<Implementation> all = {{"Model", make_filesystem<Model>},
                                                  {"Volume", make_filesystem<VolumeFilesystem>}};
  return all;
}

const std::vector<Implementation>& implementations_and_users() {
  static const std::vector<Implementation> all = {{"Model", make_filesystem<Model>},
                                                  {"Volume", make_filesystem<VolumeFilesystem>},
                                                  {"UserVolume", make_filesystem<UserVolume>}};
  return all;
}

// The volume may run as anybody.
const std::vector<Implementation>& implementations_for_root() {
  static const std::vector<Implementation> all = {{"Model", make_filesystem<Model>}};
  return all;
}

}  // namespace enfold
