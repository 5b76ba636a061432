// A re-keying is killed at each of its lower calls: every file opens, and the next run ends it.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/volume/rekey_place.h"

namespace enfold {
namespace {

class RekeyKill : public testing::Test {
 protected:
  static RekeyPlace& place() {
    static RekeyPlace once;
    return once;
  }

  // The child's end: whether it was killed.
  bool is_killed(const RekeyRequest& request, int n) {
    const pid_t child = ::fork();
    EXPECT_NE(child, -1);
    if (child == 0) {
      place().files.kill_at(n);
      ::_exit(place().rekey(place().files, request) ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
      EXPECT_EQ(WTERMSIG(status), SIGKILL);
      return true;
    }
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return false;
  }
  // A kill between a write and putting back the modification time moves that of one file.
  void sweep(const RekeyRequest& request) {
    int n = 0;
    for (bool goes_on = true; goes_on;) {
      place().restore();
      goes_on = is_killed(request, ++n);
      place().expect_all_there(1);
      place().expect_next_run_completes(request);
      place().expect_all_there(1);
      if (HasFailure()) FAIL() << "killed at call " << n;
    }
    EXPECT_GT(n, 100);
    RecordProperty("kills", n - 1);
    std::cout << n - 1 << " kills\n";
  }
};

TEST_F(RekeyKill, AtEachCallOfARunToNewerMaterial) { sweep(place().to_newer_material()); }
TEST_F(RekeyKill, AtEachCallOfARunToAnotherKms) { sweep(place().to_other_kms()); }
TEST_F(RekeyKill, AtEachCallOfARunThatGivesNewDataKeys) { sweep(place().to_new_data_keys()); }

// Back to the former KMS where a run to the other one was killed.
TEST_F(RekeyKill, CanBeUndone) {
  for (int n = 8;; n += 8) {
    place().restore();
    const bool is_cut = is_killed(place().to_other_kms(), n);
    place().expect_all_there(1);
    RekeyRequest back = place().to_newer_material();
    back.to_kms = place().first_kms();
    back.to_key = place().first_key();
    place().expect_next_run_completes(back);
    place().expect_all_there(1);
    if (HasFailure()) FAIL() << "killed at call " << n;
    if (!is_cut) break;
  }
}

}  // namespace
}  // namespace enfold
