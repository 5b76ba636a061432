// Each lower call of a re-keying fails: every file opens afterwards, and the next run ends it.
#include "tests/volume/rekey_place.h"

namespace enfold {
namespace {

using Mode = FaultyFiles::Mode;

struct Fault {
  int errno_value = EIO;
  Mode mode = Mode::kOnce;
};
constexpr Fault kFaults[] = {{EIO, Mode::kOnce},
                             {ENOSPC, Mode::kSpaceFromThenOn},
                             {EIO, Mode::kSyncsFromThenOn},
                             {EIO, Mode::kAllFromThenOn}};

class RekeyFaults : public testing::Test {
 protected:
  // One for all tests of a process: its stores are slow to make.
  static RekeyPlace& place() {
    static RekeyPlace once;
    return once;
  }

  int run_once(const RekeyRequest& request, const Fault& fault, int n) {
    place().restore();
    const int descriptors = open_descriptors();
    place().files.fail_at(n, fault.errno_value, fault.mode);
    const auto report = place().rekey(place().files, request);
    const int calls = place().files.calls();
    if (place().files.failures() > 0) ++injected_;
    EXPECT_TRUE(report || place().files.failures() > 0) << describe(report.error());
    EXPECT_TRUE(!report || place().files.failed_syncs() == 0) << "success is claimed after a failed sync";
    const bool claims_completion = report && report->is_complete;
    EXPECT_TRUE(!claims_completion || still_below(place().lower(), place().old_wrapped()).empty());
    place().files.heal();
    EXPECT_EQ(open_descriptors(), descriptors);
    place().expect_all_there(n == 0 ? 0 : 1);
    place().expect_next_run_completes(request);
    place().expect_all_there(n == 0 ? 0 : 1);
    return calls;
  }
  void sweep(const RekeyRequest& request) {
    const int last = run_once(request, {}, 0);
    EXPECT_GT(last, 100);
    for (const Fault& fault : kFaults) sweep(request, fault, last);
    // Headers and config; a sector's page is written whole or not at all.
    if (!request.new_data_keys) sweep(request, {EIO, Mode::kShortWrite}, last);
    RecordProperty("faults", injected_);
    std::cout << last << " lower calls, " << injected_ << " faults\n";
  }

  void sweep(const RekeyRequest& request, const Fault& fault, int last) {
    for (int n = 1; n <= last && !HasFailure(); ++n) {
      run_once(request, fault, n);
      if (HasFailure())
        FAIL() << "call " << n << " of " << last << ", " << place().files.failed_call() << ", mode "
               << static_cast<int>(fault.mode);
    }
  }

  int injected_ = 0;
};

TEST_F(RekeyFaults, OfARunToNewerMaterialCostNothing) { sweep(place().to_newer_material()); }
TEST_F(RekeyFaults, OfARunToAnotherKmsCostNothing) { sweep(place().to_other_kms()); }
TEST_F(RekeyFaults, OfARunThatGivesNewDataKeysCostNothing) { sweep(place().to_new_data_keys()); }

}  // namespace
}  // namespace enfold
