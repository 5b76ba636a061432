// F: yesterday's administrator, and K while a volume is re-keyed: a KMS that answers wrong or not at all
// costs nothing; old envelopes that somebody puts back are what FORMAT.md says.
#include "tests/attack/attack_support.h"
#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

using Fault = FakeKms::Fault;

class AttackF : public testing::Test {
 protected:
  AttackF() {
    world_.make_config();
    for (const char* path : {"victim", "other", "third"}) make(path);
    old_ = wrapped_below(world_.lower(""));
  }
  void make(const std::string& path) {
    contents_[path] = path + std::string(kSectorPlainBytes, 'x');
    world_.make_file(path, contents_[path]);
  }

  static RekeyRequest to_other(bool new_data_keys = false) {
    RekeyRequest request;
    request.to_key = kFakeOtherArn;
    request.new_data_keys = new_data_keys;
    return request;
  }
  static RekeyRequest back() {
    RekeyRequest request;
    request.to_key = kFakeKeyArn;
    return request;
  }
  RekeyReport run(const RekeyRequest& request) {
    auto report = world_.rekey(request);
    EXPECT_TRUE(is_ok(report));
    return report.value_or(RekeyReport{});
  }

  // By a mount that has no keys yet.
  int open_errno(const std::string& path) {
    world_.reopen();
    forget_keys();
    return errno_of_result(world_.tree().open_file(world_.inode(path), O_RDONLY));
  }
  void forget_keys() { world_.clock.advance_ms(61'000); }
  void expect_reads(const std::string& path) {
    forget_keys();
    world_.reopen();
    EXPECT_EQ(world_.read(path).value_or("(error)"), contents_[path]) << path;
  }
  void expect_all_read() {
    for (const auto& [path, content] : contents_) expect_reads(path);
  }
  // The next run has nothing in its way.
  void expect_completes() {
    world_.first.encrypts = nullptr;
    world_.kms.set_fault(Fault::kNone);
    world_.log.findings.clear();
    EXPECT_TRUE(run(to_other()).is_complete);
    EXPECT_TRUE(world_.log.findings.empty());
    EXPECT_TRUE(still_below(world_.lower(""), old_).empty());
    world_.kms.set_state(kFakeKeyArn, "Disabled");
    expect_all_read();
    world_.kms.set_state(kFakeKeyArn, "Enabled");
  }

  // The part of a header page from its prefix up to the state record.
  static HeaderPage with_keys_of(HeaderPage page, const HeaderPage& from) {
    std::copy_n(from.begin(), kStateOffset, page.begin());
    return page;
  }
  HeaderPage page(const std::string& path) { return header_page_of(world_.lower(path)); }

  RekeyWorld world_{31};
  std::map<std::string, std::string> contents_;
  std::vector<std::string> old_;
};

// K, the last lines.

TEST_F(AttackF, ALieAboutTheNewEnvelopeCostsNothing) {
  std::optional<Bytes> last;
  using Key = const std::string&;
  using Context = const EncryptionContext&;
  const std::pair<const char*, decltype(world_.first.encrypts)> lies[] = {
      {"under another key",
       [&](Key, ByteSpan plain, Context context) { return world_.kms.encrypt(kFakeKeyArn, plain, context); }},
      {"another key is wrapped",
       [&](Key key, ByteSpan, Context context) {
         return world_.kms.encrypt(key, format_test::counting<32>(9), context);
       }},
      {"a constant key is wrapped",
       [&](Key key, ByteSpan, Context context) {
         return world_.kms.encrypt(key, std::array<std::uint8_t, 32>{}, context);
       }},
      {"another file's answer again",
       [&](Key key, ByteSpan plain, Context context) -> Result<Bytes> {
         if (!last) last = world_.kms.encrypt(key, plain, context).value();
         return *last;
       }},
      {"another context",
       [&](Key key, ByteSpan plain, Context) { return world_.kms.encrypt(key, plain, {}); }},
      {"garbage", [&](Key, ByteSpan, Context) -> Result<Bytes> { return Bytes(100, 7); }},
      {"nothing", [&](Key, ByteSpan, Context) -> Result<Bytes> { return Bytes(); }},
  };
  for (const auto& [name, lie] : lies)
    for (const int honest_calls : {0, 2, 3, 4}) {  // the try and the config take two
      int calls = 0;
      world_.first.encrypts = [&](Key key, ByteSpan plain, Context context) -> Result<Bytes> {
        return calls++ < honest_calls ? world_.kms.encrypt(key, plain, context) : lie(key, plain, context);
      };
      const auto before = page("victim");
      const auto report = world_.rekey(to_other());
      // A first answer is an honest one, and there is none after it.
      const bool is_honest = honest_calls == 4 && std::string(name) == "another file's answer again";
      EXPECT_EQ(report.has_value(), is_honest) << name << " after " << honest_calls;
      EXPECT_TRUE(report || report.error().message.find(kFakeOtherArn) != std::string::npos)
          << describe(report.error());
      EXPECT_TRUE(honest_calls > 0 || page("victim") == before) << name;
      last.reset();
      world_.first.encrypts = nullptr;
      expect_all_read();
      EXPECT_TRUE(run(back()).is_complete);
    }
  expect_completes();
}

TEST_F(AttackF, AFaultAtAnyCallCostsNothing) {
  const Fault faults[] = {Fault::kWrongKey, Fault::kConstantKey, Fault::kZeroKey,   Fault::kOtherArn,
                          Fault::kReplay,   Fault::kUnavailable, Fault::kThrottled, Fault::kDenied};
  for (const Fault fault : faults)
    for (int call = 1; call <= 16; ++call) {
      world_.log.findings.clear();
      world_.kms.set_fault_after(fault, call);
      const auto report = world_.rekey(to_other());
      world_.kms.set_fault_after(Fault::kNone, 0);
      world_.kms.set_fault(Fault::kNone);
      EXPECT_TRUE(!report || report->is_complete || !world_.log.findings.empty())
          << static_cast<int>(fault) << " at " << call << ": it is not said what is left";
      expect_all_read();
      if (report && report->is_complete) {
        // Back, for the next one.
        EXPECT_TRUE(run(back()).is_complete);
      }
      ASSERT_FALSE(HasFailure()) << static_cast<int>(fault) << " at " << call;
    }
  expect_completes();
}

// F: what was kept of before a re-keying, and put back.

TEST_F(AttackF, AnOldHeaderOpensUntilItsMaterialIsDisabled) {
  const HeaderPage old_page = page("victim");
  EXPECT_TRUE(run(to_other()).is_complete);
  world_.put_page("victim", with_keys_of(page("victim"), old_page));
  expect_reads("victim");
  RekeyRequest status;
  status.mode = RekeyMode::kStatus;
  const RekeyReport report = run(status);
  EXPECT_EQ(report.left, 1U) << "it is seen by whoever looks";
  EXPECT_TRUE(report.unused_keys.empty());
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  EXPECT_EQ(open_errno("victim"), EKEYREVOKED);
  expect_reads("other");
  world_.kms.set_state(kFakeKeyArn, "Enabled");
  expect_completes();
}

TEST_F(AttackF, AnOldHeaderOpensNoSectorAfterNewDataKeys) {
  const HeaderPage old_page = page("victim");
  EXPECT_TRUE(run(to_other(true)).is_complete);
  const HeaderPage new_page = page("victim");
  world_.put_page("victim", old_page);
  world_.reopen();
  forget_keys();
  EXPECT_EQ(errno_of_result(world_.read("victim")), EIO);
  world_.put_page("victim", with_keys_of(new_page, old_page));  // the state record's MAC is of another prefix
  EXPECT_EQ(open_errno("victim"), EIO);
  HeaderPage slot = new_page;
  std::ranges::copy(slot_of(old_page, 0),
                    slot_of(slot, decode_header(new_page, world_.keys)->slot_index == 0 ? 1 : 0).begin());
  world_.put_page("victim", slot);
  EXPECT_EQ(open_errno("victim"), EIO);
  world_.put_page("victim", new_page);
  expect_all_read();
}

// One is of a lower generation: it does not count, and the next run takes it away.
TEST_F(AttackF, AnOldSlotBesideTheNewOneIsFoundAndWiped) {
  const HeaderPage old_page = page("victim");
  EXPECT_TRUE(run(to_other()).is_complete);
  HeaderPage both = page("victim");
  ASSERT_EQ(decode_header(both, world_.keys)->slot_index, 1);
  std::ranges::copy(slot_of(old_page, 0), slot_of(both, 0).begin());
  world_.put_page("victim", both);
  expect_reads("victim");
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  expect_reads("victim");
  expect_completes();
}

// An old slot in the place of the new one, where its MAC does not hold.
TEST_F(AttackF, AnOldSlotInAnotherPlaceIsNoticed) {
  const HeaderPage old_page = page("victim");
  EXPECT_TRUE(run(to_other()).is_complete);
  const HeaderPage good = page("victim");
  HeaderPage moved = good;
  std::ranges::copy(slot_of(old_page, 0), slot_of(moved, 1).begin());
  world_.put_page("victim", moved);
  EXPECT_EQ(open_errno("victim"), EIO);
  const RekeyReport report = run(to_other());
  EXPECT_FALSE(report.is_complete);
  ASSERT_EQ(world_.log.findings.size(), 1U);
  EXPECT_EQ(world_.log.findings.front().severity, Severity::kDamage);
  world_.put_page("victim", good);
}

// In the middle of a run: before the new slot is written, before the old one is wiped, and after that.
class PastedMeanwhile : public AttackF, public testing::WithParamInterface<std::string> {};

TEST_P(PastedMeanwhile, AnOldHeaderCostsNothing) {
  const HeaderPage first_page = page("victim");
  EXPECT_TRUE(run(to_other()).is_complete);
  const HeaderPage second_page = page("victim");  // of generation 2, in slot 1
  EXPECT_TRUE(run(back()).is_complete);           // of generation 3, in slot 0
  for (const HeaderPage& pasted : {first_page, second_page}) {
    bool is_pasted = false;
    const auto paste = [&] {
      if (!std::exchange(is_pasted, true)) world_.put_page("victim", with_keys_of(page("victim"), pasted));
    };
    int calls = 0;
    int syncs = 0;  // the first before the wipes, the second after them
    if (GetParam() == "BeforeTheWrite") {
      world_.first.before = [&](const std::string& call, const std::string&) {
        if (call == "encrypt" && ++calls == 3) paste();
      };
    } else {
      world_.files.watch_order([&](const char* call, int, const std::string&) {
        if (std::string(call) == "syncfs" && ++syncs == (GetParam() == "BeforeTheWipe" ? 1 : 2)) paste();
      });
    }
    const auto report = world_.rekey(to_other());
    world_.first.before = [](const std::string&, const std::string&) {};
    world_.files.watch_order({});
    EXPECT_TRUE(is_pasted);
    EXPECT_TRUE(is_ok(report));
    expect_all_read();
    // Whatever it claims is so.
    const RekeyTarget target{kFakeOtherArn, "material-1", false};
    const bool claims_completion = report && report->is_complete;
    EXPECT_TRUE(!claims_completion || target.is_met_by(world_.header("victim").envelope));
    world_.log.findings.clear();
    EXPECT_TRUE(run(to_other()).is_complete);
    EXPECT_TRUE(still_below(world_.lower(""), old_).empty());
    expect_all_read();
    EXPECT_TRUE(run(back()).is_complete);
  }
}

INSTANTIATE_TEST_SUITE_P(Moments, PastedMeanwhile,
                         testing::Values("BeforeTheWrite", "BeforeTheWipe", "AfterTheWipe"),
                         [](const auto& tested) { return tested.param; });

// The config's slot, from before: refused, or found and wiped, as a file's.
TEST_F(AttackF, AnOldSlotOfTheConfigIsFoundAndWiped) {
  const std::string old_config = slurp(world_.lower("") / kConfigName);
  EXPECT_TRUE(run(to_other()).is_complete);
  std::string both = slurp(world_.lower("") / kConfigName);
  both.replace(kConfigSlotOffset[0], kPageBytes, old_config, kConfigSlotOffset[0], kPageBytes);
  spill(world_.lower("") / kConfigName, both);
  RekeyRequest status;
  status.mode = RekeyMode::kStatus;
  EXPECT_FALSE(run(status).is_complete);
  EXPECT_TRUE(run(status).unused_keys.empty());
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  EXPECT_TRUE(run(to_other()).is_complete);
  EXPECT_TRUE(still_below(world_.lower(""), old_).empty());
}

}  // namespace
}  // namespace enfold
