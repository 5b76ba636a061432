// The guide's table of key states, row by row: against the engine where a key can be in the state, against
// the function behind it in every state.
#include "kms/engine/operation_rules.h"

#include <map>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

constexpr std::size_t kRealStates = 3;  // the first three columns

struct Expected {
  std::string outcome;
  std::string message;  // after the key's ARN
};

Expected expected_of(const std::string& cell) {
  static const std::map<std::string, Expected> kNotes{
      {"1", {"kms-disabled", " is disabled."}},
      {"2", {"kms-invalid-state", " is pending deletion."}},
      {"3", {"kms-invalid-state", " is pending deletion."}},
      {"4", {"kms-invalid-state", " is not pending deletion."}},
      {"5", {"kms-invalid-state", " is pending import."}},
      {"6", {"kms-unsupported", " origin is AWS_KMS which is not valid for this operation."}},
      {"7", {"kms-unsupported", " origin is AWS_KMS which is not valid for this operation."}},
      {"11", {"kms-invalid-state", " is unavailable."}},
      {"14", {"kms-invalid-state", " is creating."}},
      {"15", {"kms-invalid-state", " is updating."}},
  };
  // The keys that there are have no imported material and no custom store.
  if (cell == "Y" || cell == "?7") return {"ok", ""};
  if (cell == "?10") return kNotes.at("3");
  return kNotes.at(cell.substr(0, cell.find(',')));
}

class KeyStates : public EngineFixture {
 protected:
  KeyStates() : other_(make_key(*engine_)) {}

  // Another engine's blob of the key, made while the key could.
  std::string key_in(std::size_t state) {
    const std::string arn = make_key(*engine_);
    blob_ = engine_->encrypt(here_, {arn, as_bytes("x"), {}})->ciphertext;
    EXPECT_TRUE(engine_->create_alias(here_, alias(), make_key(*engine_)));
    if (state == 1) {
      EXPECT_TRUE(engine_->disable_key(here_, arn));
    } else if (state == 2) {
      EXPECT_TRUE(engine_->schedule_key_deletion(here_, arn, 7));
    }
    return arn;
  }
  [[nodiscard]] std::string alias() const { return "alias/known-" + std::to_string(round_); }

  // Each operation as it would succeed but for the state.
  Result<void> call(const std::string& name, const std::string& arn);
  Result<void> manage(const std::string& name, const std::string& arn);

  std::string other_;
  Bytes blob_;
  int round_ = 0;
};

template <class T>
Result<void> dropped(const Result<T>& result) {
  return result ? Result<void>{} : Result<void>(std::unexpected(result.error()));
}

Result<void> KeyStates::call(const std::string& name, const std::string& arn) {
  if (name == "Encrypt") return dropped(engine_->encrypt(here_, {arn, as_bytes("x"), {}}));
  if (name == "Decrypt") return dropped(engine_->decrypt(here_, {blob_, {}, {}}));
  if (name == "ReEncryptFrom") return dropped(engine_->re_encrypt(here_, {blob_, arn, {}, other_, {}}));
  if (name == "ReEncryptTo") {
    const Bytes of_other = engine_->encrypt(here_, {other_, as_bytes("x"), {}})->ciphertext;
    return dropped(engine_->re_encrypt(here_, {of_other, {}, {}, arn, {}}));
  }
  if (name == "GenerateDataKey") return dropped(engine_->generate_data_key(here_, {arn, "AES_256", {}, {}}));
  if (name == "GenerateDataKeyWithoutPlaintext")
    return dropped(engine_->generate_data_key_without_plaintext(here_, {arn, "AES_256", {}, {}}));
  if (name == "DescribeKey") return dropped(engine_->describe_key(here_, arn));
  if (name == "GetKeyRotationStatus") return dropped(engine_->get_key_rotation_status(here_, arn));
  if (name == "ListAliases") return dropped(engine_->list_aliases(here_, arn, {}));
  if (name == "ListKeyRotations") return dropped(engine_->list_key_rotations(here_, {.key_id = arn}));
  if (name == "ListResourceTags") return dropped(engine_->list_resource_tags(here_, arn, {}));
  return manage(name, arn);
}

Result<void> KeyStates::manage(const std::string& name, const std::string& arn) {
  if (name == "CancelKeyDeletion") return dropped(engine_->cancel_key_deletion(here_, arn));
  if (name == "CreateAlias") return engine_->create_alias(here_, "alias/new-" + std::to_string(round_), arn);
  if (name == "UpdateAlias") return engine_->update_alias(here_, alias(), arn);
  if (name == "DeleteAlias") return engine_->delete_alias(here_, alias());
  if (name == "DisableKey") return engine_->disable_key(here_, arn);
  if (name == "EnableKey") return engine_->enable_key(here_, arn);
  if (name == "EnableKeyRotation") return engine_->enable_key_rotation(here_, arn, {});
  if (name == "DisableKeyRotation") return engine_->disable_key_rotation(here_, arn);
  if (name == "RotateKeyOnDemand") return dropped(engine_->rotate_key_on_demand(here_, arn));
  if (name == "ScheduleKeyDeletion") return dropped(engine_->schedule_key_deletion(here_, arn, {}));
  if (name == "TagResource") return engine_->tag_resource(here_, arn, {{"k", "v"}});
  if (name == "UntagResource") return engine_->untag_resource(here_, arn, {"k"});
  if (name == "UpdateKeyDescription") return engine_->update_key_description(here_, arn, "d");
  return make_error(Errc::kInvalidArgument, "this test does not know " + name);
}

// The guide's row of each rule: the two actions of ReEncrypt share one.
std::map<std::string, std::vector<std::string>> guide() {
  std::map<std::string, std::vector<std::string>> rows;
  for (const auto& fields : vectors("key_states.txt")) {
    EXPECT_EQ(fields.size(), 1 + kTableStates) << fields[0];
    const std::vector<std::string> cells(fields.begin() + 1, fields.end());
    if (fields[0] == "ReEncrypt") {
      rows["ReEncryptFrom"] = cells;
      rows["ReEncryptTo"] = cells;
    } else {
      rows[fields[0]] = cells;
    }
  }
  return rows;
}

constexpr std::size_t kOperations = static_cast<std::size_t>(Operation::kUpdateKeyDescription) + 1;

TEST(OperationRules, AreTheGuidesTable) {
  const auto rows = guide();
  EXPECT_EQ(rows.size(), kOperations);
  for (std::size_t i = 0; i < kOperations; ++i) {
    const OperationRule& rule = rule_of(static_cast<Operation>(i));
    ASSERT_TRUE(rows.contains(std::string(rule.name))) << rule.name;
    const auto& cells = rows.at(std::string(rule.name));
    for (std::size_t state = 0; state < kTableStates; ++state) {
      const Expected expected = expected_of(cells[state]);
      Result<void> answer = require_state(rule, static_cast<TableState>(state), "ARN");
      EXPECT_EQ(outcome(answer), expected.outcome) << rule.name << " in state " << state;
      EXPECT_EQ(answer ? "" : answer.error().message,
                expected.message.empty() ? "" : "ARN" + expected.message)
          << rule.name << " in state " << state;
    }
  }
}

TEST_F(KeyStates, MeetEachOperationAsTheGuideSays) {
  for (const auto& [name, cells] : guide()) {
    for (std::size_t state = 0; state < kRealStates; ++state, ++round_) {
      SCOPED_TRACE(name + " in state " + std::to_string(state));
      const std::string arn = key_in(state);
      const Expected expected = expected_of(cells[state]);
      Result<void> answer = call(name, arn);
      EXPECT_EQ(outcome(answer), expected.outcome);
      EXPECT_EQ(answer ? "" : answer.error().message, expected.message.empty() ? "" : arn + expected.message);
    }
  }
}

TEST_F(KeyStates, LetAnAliasLeaveAKeyThatIsPendingDeletion) {
  ASSERT_TRUE(engine_->create_alias(here_, "alias/a", arn_));
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 7));
  EXPECT_TRUE(engine_->update_alias(here_, "alias/a", other_));
}

// Another engine disables the key after this one has let the call pass and before its transaction.
TEST_F(KeyStates, AreLookedAtAgainInTheTransaction) {
  InterruptedClock clock;
  clock.now_ms = clock_.now_ms;
  const auto late = open(clock);
  clock.interruption = [&] { EXPECT_TRUE(engine_->disable_key(here_, arn_)); };
  EXPECT_EQ(outcome(late->enable_key_rotation(here_, arn_, 90)), "kms-disabled");
  EXPECT_FALSE(clock.interruption);
  ASSERT_TRUE(engine_->enable_key(here_, arn_));
  EXPECT_FALSE(engine_->get_key_rotation_status(here_, arn_)->enabled);
}

}  // namespace
}  // namespace enfold
