// A volume with two key stores, embedded ones, which is re-keyed as `enfold rekey` does it where it is not
// mounted: opened, re-keyed, closed. Put back before each run of a sweep.
#pragma once

#include "tests/volume/fault_world.h"
#include "tests/volume/rekey_support.h"

namespace enfold {

class RekeyPlace {
 public:
  RekeyPlace();

  // What the lower directory and the pin hold; lower inodes and modification times stay those of keep().
  void keep();
  void restore();

  // With newer material of the first key, under the other store's key, or with new data keys.
  [[nodiscard]] RekeyRequest to_newer_material() const { return {}; }
  [[nodiscard]] RekeyRequest to_other_kms() const;
  [[nodiscard]] RekeyRequest to_new_data_keys() const;

  Result<std::unique_ptr<OpenVolume>> open(Files& through);
  // Opens, re-keys and closes; the first error of these.
  Result<RekeyReport> rekey(Files& through, const RekeyRequest& request);

  // By a mount of its own, which recovers and is closed: each file opens with its content; and with its
  // modification time, but for so many of them.
  void expect_all_there(std::size_t times_moved = 0);
  // The next run ends, and leaves nothing of what was wrapped before.
  void expect_next_run_completes(const RekeyRequest& request);

  [[nodiscard]] std::filesystem::path lower() const { return place_.path("lower"); }
  [[nodiscard]] std::string first_kms() const { return kms("first"); }
  [[nodiscard]] const std::string& first_key() const { return first_key_; }
  [[nodiscard]] const std::vector<std::string>& old_wrapped() const { return old_; }

  FaultyFiles files;
  SharedEntropy entropy{format_test::test_seed()};
  ManualClock clock;
  RekeyLog log;

 private:
  class NoPassphrase final : public PassphraseSource {
   public:
    Result<Bytes> passphrase() override { return make_error(Errc::kWrongRootKey, "no passphrase"); }
  };
  struct KeptFile {
    std::string bytes;
    timespec modified{};
  };
  [[nodiscard]] std::string kms(const std::string& store) const { return "embedded:" + place_.path(store); }
  std::string make_store(const std::string& name);
  void make_files();

  FaultPlace place_;
  NoPassphrase passphrase_;
  std::string first_key_;
  std::string second_key_;
  std::map<std::filesystem::path, KeptFile> kept_;
  std::map<std::string, std::string> contents_;
  std::map<std::string, timespec> modified_;
  std::vector<std::string> old_;
};

}  // namespace enfold
