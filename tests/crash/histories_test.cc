// What fsync returned for is there after a power cut, and nothing is ever wrong.
#include <gtest/gtest.h>

#include "kms/base/log.h"
#include "tests/crash/histories.h"

namespace enfold {
namespace {

using Given = std::tuple<History, Journal>;

class AfterAPowerCut : public testing::TestWithParam<Given> {};

TEST_P(AfterAPowerCut, WhatWasSyncedIsWholeAndNothingIsWrong) {
  open_log(LogTarget::kNowhere);  // thousands of recoveries, a line for each thing lost
  const auto& [history, journal] = GetParam();
  const ReplayCounts counts = Replay(journal).run(history);
  EXPECT_GT(counts.replayed, 0U);
}

std::string name_of_test(const testing::TestParamInfo<Given>& tested) {
  return std::get<0>(tested.param).name + "On" + std::string(name_of(std::get<1>(tested.param)));
}

const auto kJournals = testing::Values(Journal::kExt4, Journal::kXfs);

INSTANTIATE_TEST_SUITE_P(Content, AfterAPowerCut,
                         testing::Combine(testing::ValuesIn(content_histories()), kJournals), name_of_test);
INSTANTIATE_TEST_SUITE_P(Holes, AfterAPowerCut,
                         testing::Combine(testing::ValuesIn(hole_histories()), kJournals), name_of_test);
INSTANTIATE_TEST_SUITE_P(Names, AfterAPowerCut,
                         testing::Combine(testing::ValuesIn(name_histories()), kJournals), name_of_test);
INSTANTIATE_TEST_SUITE_P(NewDataKeys, AfterAPowerCut,
                         testing::Combine(testing::ValuesIn(renewal_histories()), kJournals), name_of_test);
INSTANTIATE_TEST_SUITE_P(Rekeys, AfterAPowerCut,
                         testing::Combine(testing::ValuesIn(rekey_histories()), kJournals), name_of_test);
INSTANTIATE_TEST_SUITE_P(Mounts, AfterAPowerCut,
                         testing::Combine(testing::ValuesIn(mount_histories()), kJournals), name_of_test);

}  // namespace
}  // namespace enfold
