#include <gtest/gtest.h>

#include "tools/error_line.h"
#include "tools/rekey_progress.h"
#include "tools/rekey_report.h"

namespace enfold {
namespace {

// AWS's sentences end in a dot, and ".;" followed.
TEST(ErrorLine, JoinsAdviceToASentence) {
  EXPECT_EQ(
      error_line("key describe", {Errc::kKmsNotFound, 0, "Alias alias/a is not found."}),
      "enfold: key describe: Alias alias/a is not found; `enfold key list` shows the keys of a store, this "
      "may be another one");
}

// "Ask who administers the key" was what such a person was told.
TEST(ErrorLine, SaysHowAKeyIsKept) {
  const std::string pending = error_line("check", {Errc::kKmsInvalidState, 0, "arn is pending deletion."});
  EXPECT_NE(pending.find("; `enfold key cancel-deletion` keeps it"), std::string::npos) << pending;
  const std::string kept =
      error_line("key cancel-deletion", {Errc::kKmsInvalidState, 0, "arn is not pending deletion."});
  EXPECT_EQ(kept.find("` keeps it"), std::string::npos) << kept;
}

TEST(ErrorLine, LeavesAMessageThatHasItsOwnAdvice) {
  EXPECT_EQ(error_line("", {Errc::kInvalidArgument, 0, "No; try this."}), "enfold: No; try this.");
}

RekeyCounts counts(std::uint64_t pass, std::uint64_t names) {
  RekeyCounts out;
  out.pass = pass;
  out.names = names;
  out.total = 4000;
  return out;
}

// "3072000 files/s, about 0 s left" stood at a pass's beginning.
TEST(RekeyProgressText, TellsARateOnlyFromASecondOfThePass) {
  RekeyProgressText progress;
  progress.hear(counts(1, 3072), 10);
  EXPECT_EQ(progress.text(10), "pass 1: 3072 of 4000 files; re-wrapped 0, new data keys 0 (0 MiB)");
  progress.hear(counts(1, 3272), 12);
  EXPECT_EQ(progress.text(12),
            "pass 1: 3272 of 4000 files, 100 files/s, about 7 s left; re-wrapped 0, new data keys 0 (0 MiB)");
  progress.hear(counts(2, 100), 12);
  EXPECT_EQ(progress.text(12), "pass 2: 100 of 4000 files; re-wrapped 0, new data keys 0 (0 MiB)");
  progress.hear(counts(2, 300), 16);
  EXPECT_EQ(progress.text(16),
            "pass 2: 300 of 4000 files, 50 files/s, about 74 s left; re-wrapped 0, new data keys 0 (0 MiB)");
}

// "in 1 passes"
TEST(RekeyReport, CountsOnePassAsOne) {
  for (const auto& [passes, expected] : {std::pair(1U, "in 1 pass over 0 files"), {2U, "in 2 passes over"}}) {
    RekeyReport report;
    report.counts.pass = passes;
    testing::internal::CaptureStdout();
    print_rekey({"volume", "/lower", RekeyMode::kRun, 1, {}}, report, false);
    const std::string printed = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(printed.contains(expected)) << printed;
  }
}

}  // namespace
}  // namespace enfold
