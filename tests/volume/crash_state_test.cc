// Each row of the table by which config and pin tell a crash, and what the user's word changes.
#include "fs/volume/crash_state.h"

#include <gtest/gtest.h>

namespace enfold {
namespace {

ConfigState config(bool open, std::uint64_t number) {
  ConfigState out;
  out.open = open;
  out.mount_number = number;
  return out;
}

std::optional<Pin> pin(bool open, std::uint64_t number, std::uint64_t takes_over = 0) {
  Pin out;
  out.open = open;
  out.mount_number = number;
  out.takes_over = takes_over;
  return out;
}

std::string told(const ConfigState& state, const std::optional<Pin>& user, bool vouched = false) {
  auto out = crash_state(state, user, vouched, "/lower");
  if (!out) {
    EXPECT_EQ(out.error().code, Errc::kCrashUnconfirmed);
    EXPECT_NE(out.error().message.find("mount --recover"), std::string::npos);
    return "refused";
  }
  return *out == CrashState::kCrashed ? "crashed" : "clean";
}

TEST(CrashState, IsCleanWhereTheConfigIsClosedWhateverThePinSays) {
  for (const auto& user : {std::optional<Pin>(), pin(false, 5), pin(true, 5), pin(true, 6), pin(false, 9)})
    EXPECT_EQ(told(config(false, 5), user), "clean");
}

TEST(CrashState, IsACrashWhereBothAreOpenWithOneNumber) {
  EXPECT_EQ(told(config(true, 5), pin(true, 5)), "crashed");
  EXPECT_EQ(told(config(true, 5), pin(true, 6, 5)), "crashed") << "a recovery ended before the config had 6";
  EXPECT_EQ(told(config(true, 6), pin(true, 6, 5)), "crashed");
}

TEST(CrashState, IsRefusedWhereOnlyTheConfigSaysSo) {
  for (const auto& user :
       {std::optional<Pin>(), pin(false, 5), pin(true, 4), pin(true, 6), pin(true, 7, 6), pin(false, 6, 5)}) {
    EXPECT_EQ(told(config(true, 5), user), "refused");
    EXPECT_EQ(told(config(true, 5), user, true), "crashed");
  }
  EXPECT_EQ(told(config(true, 0), pin(true, 6)), "refused") << "0 is no mount that could be taken over";
}

TEST(CrashState, KnowsAnOlderCopy) {
  EXPECT_TRUE(is_older_copy(config(false, 4), pin(false, 5)));
  EXPECT_FALSE(is_older_copy(config(false, 5), pin(false, 5)));
  EXPECT_FALSE(is_older_copy(config(false, 5), std::nullopt));
}

TEST(CrashState, GivesTheNextMountANumberAboveBoth) {
  EXPECT_EQ(next_mount_number(config(false, 4), pin(false, 9)), 10U);
  EXPECT_EQ(next_mount_number(config(true, 9), pin(false, 4)), 10U);
  EXPECT_EQ(next_mount_number(config(true, 9), std::nullopt), 10U);
}

}  // namespace
}  // namespace enfold
