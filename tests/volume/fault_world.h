// A volume with an embedded KMS and a pin, made once and put back before each run of a sweep of faults.
#pragma once

#include <memory>
#include <string>

#include "fs/volume/open_volume.h"
#include "kms/store/passphrase_source.h"
#include "tests/volume/tree_support.h"

namespace enfold {

using format_test::is_long_form;

// Of this process, now.
int open_descriptors();

// A user's directories, in memory where that can be had: a sweep copies them a thousand times, and SQLite
// syncs.
class FaultPlace {
 public:
  FaultPlace();
  FaultPlace(const FaultPlace&) = delete;
  FaultPlace& operator=(const FaultPlace&) = delete;
  ~FaultPlace();
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class FaultWorld {
 public:
  FaultWorld();

  // From now on restore() brings the lower directory and the pin back to what they are now.
  void keep();
  void restore();

  Result<std::unique_ptr<OpenVolume>> open();
  // Naming the KMS, as for a volume that has no pin.
  Result<std::unique_ptr<OpenVolume>> open_by_kms();
  void remove_pin();
  [[nodiscard]] Caller caller() const;
  [[nodiscard]] std::filesystem::path lower() const { return place_.path("lower"); }

  FaultyFiles files;
  SharedEntropy entropy;
  ManualClock clock;

 private:
  Result<std::unique_ptr<OpenVolume>> open_with(OpenRequest request);

  class NoPassphrase final : public PassphraseSource {
   public:
    Result<Bytes> passphrase() override;
  };

  FaultPlace place_;
  NoPassphrase passphrase_;
};

}  // namespace enfold
