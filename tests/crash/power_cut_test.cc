// The model of a power cut against hand-made logs: which states must be among those it gives, and which must
// not.
#include "tests/crash/power_cut.h"

#include <gtest/gtest.h>

#include <set>

namespace enfold {
namespace {

using Kind = LowerCall::Kind;
constexpr NodeId kRoot = 1;
constexpr NodeId kFile = 2;
constexpr NodeId kOther = 3;

PagePtr page_of(char fill) {
  auto page = std::make_shared<LowerPage>();
  page->fill(static_cast<std::uint8_t>(fill));
  return page;
}

// A file as text: "-" where it has no name, else its size and a letter for each page, "." for zeros.
std::string text_of_file(const LowerTree& tree, const std::string& name) {
  const LowerNode& root = tree.nodes.at(kRoot);
  const auto entry = root.entries.find(name);
  if (entry == root.entries.end()) return "-";
  const LowerNode& file = tree.nodes.at(entry->second);
  std::string out = std::to_string(file.size) + " ";
  for (std::uint64_t page = 0; page * kPageBytes < file.size; ++page) {
    const auto content = file.pages.find(page);
    const bool is_zero = content == file.pages.end() || all_zero(*content->second);
    out += is_zero ? '.' : static_cast<char>(content->second->front());
  }
  return out;
}

class PowerCutModel : public testing::TestWithParam<Journal> {
 protected:
  PowerCutModel() {
    log_.start.roots = {kRoot};
    log_.start.nodes[kRoot].mode = S_IFDIR | 0700;
  }

  // A durable file of two pages, "AB".
  void start_with_file() {
    log_.start.nodes[kRoot].entries["f"] = kFile;
    LowerNode& file = log_.start.nodes[kFile];
    file.mode = S_IFREG | 0600;
    file.size = 2 * kPageBytes;
    file.pages = {{0, page_of('A')}, {1, page_of('B')}};
  }
  void create(const std::string& name, NodeId node) {
    LowerCall call{.kind = Kind::kCreate, .node = node, .directory = kRoot, .name = name};
    call.mode = S_IFREG | 0600;
    log_.calls.push_back(call);
  }
  void write(NodeId node, std::uint64_t page, char fill, bool allocates) {
    LowerCall call{.kind = Kind::kWrite, .node = node};
    call.page = page;
    call.content = page_of(fill);
    call.size = (page + 1) * kPageBytes;
    call.allocates = allocates;
    log_.calls.push_back(call);
  }
  void truncate(NodeId node, std::uint64_t size) {
    log_.calls.push_back({.kind = Kind::kTruncate, .node = node, .size = size});
  }
  void punch(NodeId node, std::uint64_t page, bool keeps_blocks = false) {
    LowerCall call{.kind = Kind::kPunch, .node = node};
    call.page = page;
    call.keeps_blocks = keeps_blocks;
    log_.calls.push_back(call);
  }
  void sync(NodeId node, Kind kind = Kind::kSync) { log_.calls.push_back({.kind = kind, .node = node}); }
  void rename(NodeId node, const std::string& from, const std::string& to, NodeId other) {
    LowerCall call{.kind = Kind::kRename, .node = node, .directory = kRoot, .name = from};
    call.to_directory = kRoot;
    call.to_name = to;
    call.other = other;
    log_.calls.push_back(call);
  }

  // All that can be left, as text, when all calls were made.
  std::set<std::string> states(const std::vector<std::string>& names = {"f"}) {
    const PowerCut cut(log_, GetParam());
    const std::size_t moment = log_.calls.size();
    std::set<std::string> out;
    for (std::size_t prefix = cut.shortest_prefixes(moment)[0]; prefix <= moment; ++prefix) {
      const PowerCut::Choices choices = cut.choices(moment, {prefix});
      std::vector<std::size_t> digits(choices.options.size());
      do {
        LowerTree tree;
        if (!cut.build(choices, digits, tree)) continue;
        std::string text;
        for (const std::string& name : names) text += (text.empty() ? "" : ", ") + text_of_file(tree, name);
        out.insert(text);
      } while (next(choices.options, digits));
    }
    return out;
  }
  static bool next(const std::vector<std::size_t>& options, std::vector<std::size_t>& digits) {
    for (std::size_t i = 0; i < digits.size(); ++i) {
      if (++digits[i] < options[i]) return true;
      digits[i] = 0;
    }
    return false;
  }
  using Set = std::set<std::string>;

  LowerLog log_;
};

TEST_P(PowerCutModel, LosesAnUnsyncedFileOrItsDataOrBoth) {
  create("f", kFile);
  write(kFile, 0, 'x', true);
  const bool size_follows_data = GetParam() == Journal::kXfs;
  EXPECT_EQ(states(), size_follows_data ? (Set{"-", "0 ", "4096 x"}) : (Set{"-", "0 ", "4096 .", "4096 x"}));
}

TEST_P(PowerCutModel, KeepsASyncedFileWhole) {
  create("f", kFile);
  write(kFile, 0, 'x', true);
  sync(kFile);
  EXPECT_EQ(states(), (Set{"4096 x"}));
}

TEST_P(PowerCutModel, LeavesEachUnsyncedPageOldBetweenOrNew) {
  start_with_file();
  write(kFile, 0, 'x', false);
  write(kFile, 0, 'y', false);
  write(kFile, 1, 'z', false);
  EXPECT_EQ(states(), (Set{"8192 AB", "8192 xB", "8192 yB", "8192 Az", "8192 xz", "8192 yz"}));
}

TEST_P(PowerCutModel, ForgetsVersionsOlderThanTheLastSync) {
  start_with_file();
  write(kFile, 0, 'x', false);
  sync(kFile, Kind::kSyncData);
  write(kFile, 0, 'y', false);
  EXPECT_EQ(states(), (Set{"8192 xB", "8192 yB"}));
}

TEST_P(PowerCutModel, BringsBackOldPagesOnlyWithoutTheTruncate) {
  start_with_file();
  truncate(kFile, kPageBytes);
  truncate(kFile, 2 * kPageBytes);
  write(kFile, 1, 'n', true);
  EXPECT_EQ(states(), (Set{"8192 AB", "4096 A", "8192 A.", "8192 An"}));
}

TEST_P(PowerCutModel, ZeroesWhatATruncateCutOffAPage) {
  start_with_file();
  truncate(kFile, kPageBytes + 1);
  truncate(kFile, 2 * kPageBytes);
  const PowerCut cut(log_, GetParam());
  LowerTree tree;
  ASSERT_TRUE(cut.build(cut.choices(2, {2}), {}, tree));
  const PagePtr page = tree.nodes[kFile].pages.at(1);
  EXPECT_EQ('B', page->front());
  EXPECT_TRUE(all_zero(ByteSpan(*page).subspan(1)));
}

TEST_P(PowerCutModel, MakesASyncedExplicitSizeDurableWithAllBefore) {
  start_with_file();
  create("g", kOther);
  truncate(kFile, kPageBytes);
  sync(kFile, Kind::kSyncData);
  EXPECT_EQ(states({"f", "g"}), (Set{"4096 A, 0 "}));
}

TEST_P(PowerCutModel, OrdersNamesAsTheyWereChanged) {
  create("f", kFile);
  create("g", kOther);
  EXPECT_EQ(states({"f", "g"}), (Set{"-, -", "0 , -", "0 , 0 "}));
}

TEST_P(PowerCutModel, LetsARenameOvertakeTheDataOfItsFile) {
  start_with_file();
  create("tmp", kOther);
  write(kOther, 0, 'n', true);
  rename(kOther, "tmp", "f", kFile);
  EXPECT_EQ(states().count("0 "), 1U);
  EXPECT_EQ(states().count("8192 AB"), 1U);
  EXPECT_EQ(states().count("4096 n"), 1U);
  EXPECT_EQ(states().count("-"), 0U);
}

TEST_P(PowerCutModel, KeepsOldOrNewWhereTheNewWasSynced) {
  start_with_file();
  create("tmp", kOther);
  write(kOther, 0, 'n', true);
  sync(kOther);
  rename(kOther, "tmp", "f", kFile);
  EXPECT_EQ(states(), (Set{"8192 AB", "4096 n"}));
}

TEST_P(PowerCutModel, CommitsAllOnExt4AndNothingLaterOnXfs) {
  start_with_file();
  log_.calls.push_back({.kind = Kind::kTouch, .node = kFile});
  create("g", kOther);
  sync(kFile);
  const bool commits_all = GetParam() == Journal::kExt4;
  EXPECT_EQ(states({"g"}), commits_all ? (Set{"0 "}) : (Set{"-", "0 "}));
}

TEST_P(PowerCutModel, DoesNotCommitForASyncThatHasNothingToCommit) {
  start_with_file();
  create("g", kOther);
  write(kFile, 0, 'x', false);
  sync(kFile);
  EXPECT_EQ(states({"f", "g"}), (Set{"8192 xB, -", "8192 xB, 0 "}));
}

TEST_P(PowerCutModel, MakesEverythingDurableBySyncfs) {
  start_with_file();
  create("g", kOther);
  write(kFile, 0, 'x', false);
  sync(kRoot, Kind::kSyncFilesystem);
  EXPECT_EQ(states({"f", "g"}), (Set{"8192 xB, 0 "}));
}

TEST_P(PowerCutModel, FillsAHoleOrNot) {
  start_with_file();
  truncate(kFile, 3 * kPageBytes);
  sync(kFile);
  write(kFile, 2, 'n', true);
  EXPECT_EQ(states(), (Set{"12288 AB.", "12288 ABn"}));
}

TEST_P(PowerCutModel, PunchesPageAfterPageOrNot) {
  start_with_file();
  punch(kFile, 0);
  punch(kFile, 1);
  EXPECT_EQ(states(), (Set{"8192 AB", "8192 .B", "8192 .."}));
}

TEST_P(PowerCutModel, BringsNothingBackThatWasWrittenBeforeAPunch) {
  start_with_file();
  write(kFile, 0, 'x', false);
  punch(kFile, 0);
  sync(kFile, Kind::kSyncData);
  EXPECT_EQ(states(), (Set{"8192 .B"}));
}

TEST_P(PowerCutModel, HasWhatIsWrittenAfterAPunchOnlyWithThePunch) {
  start_with_file();
  punch(kFile, 0);
  create("g", kOther);
  write(kFile, 0, 'n', true);
  EXPECT_EQ(states({"f", "g"}),
            (Set{"8192 AB, -", "8192 .B, -", "8192 nB, -", "8192 .B, 0 ", "8192 nB, 0 "}));
}

TEST_P(PowerCutModel, MayHaveWhatIsWrittenAfterZeroingWithoutItOnExt4) {
  start_with_file();
  punch(kFile, 0, true);
  write(kFile, 0, 'n', true);
  sync(kFile);
  EXPECT_EQ(states(), (Set{"8192 nB"}));
  log_.calls.pop_back();
  const PowerCut cut(log_, GetParam());
  const auto slots = cut.choices(2, {0}).slots.front();
  EXPECT_EQ(slots.versions.front().size(), GetParam() == Journal::kExt4 ? 2U : 1U);
}

INSTANTIATE_TEST_SUITE_P(Journals, PowerCutModel, testing::Values(Journal::kExt4, Journal::kXfs),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

}  // namespace
}  // namespace enfold
