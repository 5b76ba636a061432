#include "tests/crash/replay.h"

#include <cstdlib>
#include <iostream>
#include <set>
#include <tuple>

#include "fs/volume/check.h"

namespace enfold {
namespace {

constexpr std::size_t kStatesPerHistory = 250;
constexpr std::size_t kSecondCrashEvery = 12;
constexpr std::size_t kSecondStates = 4;
// More combinations of moment and prefixes than this are not counted out.
constexpr std::size_t kCountedCuts = 3000;
constexpr std::size_t kShownComplaints = 5;
// States that repeat others are found out, and passed over, where they are not more than this.
constexpr double kLookedAtPerState = 20;

class Findings final : public CheckObserver {
 public:
  bool finding(const Finding& finding) override {
    if (finding.severity != Severity::kLeftover)
      text += std::string(name_of(finding.severity)) + " " + finding.plain_path + " (" + finding.lower_path +
              "): " + finding.what + "; ";
    return true;
  }
  bool progress(const CheckCounts&) override { return true; }
  std::string text;
};

bool next(const std::vector<std::size_t>& options, std::vector<std::size_t>& digits) {
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (++digits[i] < options[i]) return true;
    digits[i] = 0;
  }
  return false;
}

std::vector<std::size_t> prefixes_of(const LowerLog& log, std::size_t root, std::size_t shortest,
                                     std::size_t moment) {
  std::vector<std::size_t> out{shortest};
  for (std::size_t at = shortest; at < moment; ++at)
    if (log.calls[at].root == root && log.calls[at].is_metadata()) out.push_back(at + 1);
  return out;
}

// What stands in the lock file is for people. Left as it was, it does not multiply the states.
void drop_lock_file(LowerLog& log) {
  const auto& names = log.start.nodes.at(log.start.roots.front()).entries;
  const auto lock = names.find(std::string(kLockName));
  if (lock == names.end()) return;
  for (LowerCall& call : log.calls)
    if (call.node == lock->second && !call.is_sync()) call = {.kind = LowerCall::Kind::kTouch};
}

std::string difference(const SeenTree& before, const SeenTree& after) {
  for (const auto& [path, seen] : before)
    if (const auto found = after.find(path); found == after.end() || !(found->second == seen))
      return path + " is another after a clean mount";
  return before.size() == after.size() ? "" : "a clean mount shows more";
}

}  // namespace

std::size_t states_per_history() {
  const char* given = std::getenv("ENFOLD_CRASH_SAMPLES");
  return given == nullptr ? kStatesPerHistory : std::strtoull(given, nullptr, 10);
}

void Replay::record(const History& history) {
  name_ = history.name;
  later_ = history.later;
  world_ = std::make_unique<CrashWorld>();
  App before(
      *world_, world_->files, [] { return std::size_t{0}; }, expected_);
  before.mount();
  if (history.before) history.before(before);
  before.unmount();
  RecordingFiles recorder({world_->lower(), world_->pins()});
  App app(
      *world_, recorder, [&] { return recorder.position(); }, expected_);
  app.mount();
  history.during(app, recorder);
  app.die(recorder);
  log_ = recorder.log();
  trace_ = app.trace();
  if (!history.with_lock_file) drop_lock_file(log_);
  if (vary_log) vary_log(log_);
}

std::vector<Replay::Cut> Replay::all_cuts(const LowerLog& log, const PowerCut& power_cut) {
  std::vector<Cut> out;
  for (const std::size_t moment : power_cut.moments()) {
    const PowerCut::Prefixes shortest = power_cut.shortest_prefixes(moment);
    for (const std::size_t lower : prefixes_of(log, 0, shortest[0], moment))
      for (const std::size_t pins : prefixes_of(log, 1, shortest[1], moment))
        out.push_back({moment, {lower, pins}});
  }
  return out;
}

std::vector<Replay::Cut> Replay::all_states(const PowerCut& power_cut, const std::vector<Cut>& cuts) {
  std::vector<Cut> out;
  std::set<std::string> seen;
  LowerTree state;
  for (Cut cut : cuts) {
    const PowerCut::Choices choices = power_cut.choices(cut.moment, cut.prefixes);
    cut.digits.assign(choices.options.size(), 0);
    do {
      if (!power_cut.build(choices, cut.digits, state)) continue;
      if (seen.insert(expected_.key(cut.moment) + state.identity()).second) out.push_back(cut);
    } while (next(choices.options, cut.digits));
  }
  return out;
}

// Each state leans its own way: to what is old, to what is new, or to neither.
bool Replay::draw(const PowerCut& power_cut, const PowerCut::Choices& choices, LowerTree& out) {
  const std::uint64_t lean = random_.below(5);
  std::vector<std::size_t> digits;
  for (const std::size_t options : choices.options) {
    const bool leans = lean < 2 && random_.below(4) != 0;
    if (leans)
      digits.push_back(lean == 0 ? 0 : options - 1);
    else
      digits.push_back(random_.below(options));
  }
  return power_cut.build(choices, digits, out);
}

void Replay::draw_states(const PowerCut& power_cut, const std::vector<Cut>& cuts, std::size_t limit,
                         const Visit& visit) {
  std::set<std::string> seen;
  LowerTree state;
  for (std::size_t tries = 0; seen.size() < limit && tries < 5 * limit; ++tries) {
    const Cut& cut = cuts[random_.below(cuts.size())];
    if (!draw(power_cut, power_cut.choices(cut.moment, cut.prefixes), state)) continue;
    if (seen.insert(expected_.key(cut.moment) + state.identity()).second) visit(cut.moment, state);
  }
}

double Replay::for_states(const LowerLog& log, std::size_t limit, bool& exhaustive, const Visit& visit) {
  const PowerCut power_cut(log, journal_);
  const std::vector<Cut> cuts = all_cuts(log, power_cut);
  double possible = 0;
  for (std::size_t i = 0; i < cuts.size() && i < kCountedCuts; ++i)
    possible += power_cut.choices(cuts[i].moment, cuts[i].prefixes).count();
  const bool is_countable =
      cuts.size() <= kCountedCuts && possible <= kLookedAtPerState * static_cast<double>(limit);
  if (!is_countable) {
    draw_states(power_cut, cuts, limit, visit);
    return possible;
  }
  std::vector<Cut> states = all_states(power_cut, cuts);
  const std::size_t found = states.size();
  exhaustive = found <= limit;
  for (; states.size() > limit; states.pop_back())
    std::swap(states[random_.below(states.size())], states.back());
  LowerTree state;
  for (const Cut& cut : states) {
    power_cut.build(power_cut.choices(cut.moment, cut.prefixes), cut.digits, state);
    visit(cut.moment, state);
  }
  return static_cast<double>(found);
}

void Replay::put_in_place(const LowerTree& state) {
  write_root(state, 0, world_->lower());
  write_root(state, 1, world_->pins());
}

void Replay::complain(const std::string& what, std::size_t moment) {
  ++counts_.complaints;
  if (counts_.complaints > kShownComplaints && complaints_are_failures) return;
  if (complaints_are_failures)
    ADD_FAILURE() << name_ << " on " << enfold::name_of(journal_) << ", power cut at call " << moment
                  << " of " << log_.calls.size() << ", state " << counts_.replayed << ": " << what;
}

// What was done, above and below, and the state: of each file its size, and the call that wrote each page.
void Replay::tell(const LowerTree& state) {
  for (const std::string& line : trace_) std::cerr << line << "\n";
  std::map<const LowerPage*, std::size_t> writers;
  for (std::size_t at = 0; at < log_.calls.size(); ++at) {
    std::cerr << "  " << at << " " << text_of(log_.calls[at]) << "\n";
    writers[log_.calls[at].content.get()] = at;
  }
  for (const auto& [id, root] : state.named()) {
    const LowerNode& node = state.nodes.at(id);
    std::cerr << "node " << id << " of " << node.size << " bytes:";
    for (const auto& [index, page] : node.pages)
      std::cerr << " " << index << "=" << (writers.contains(page.get()) ? writers[page.get()] : 0);
    for (const auto& [name, child] : node.entries)
      std::cerr << "\n    " << child << " " << name.substr(0, 20);
    std::cerr << "\n";
  }
}

std::string Replay::verify_read_only(std::size_t moment) {
  RecordingFiles recorder({world_->lower(), world_->pins()});
  OpenRequest request = world_->request();
  request.read_only = true;
  auto volume = world_->open(recorder, request);
  if (!volume) return "a read-only mount is refused: " + describe(volume.error());
  std::string wrong = expected_.complaint(moment, look_at((*volume)->tree()), false);
  if (auto closed = (*volume)->close(); !closed) wrong += describe(closed.error());
  volume->reset();
  if (recorder.position() != 0) wrong += "a read-only mount wrote below";
  return wrong.empty() ? wrong : "read-only: " + wrong;
}

std::string Replay::verify_mounts(std::size_t moment, bool look_first, bool finish_later) {
  for (const bool finish : {false, true}) {
    if (!finish && !finish_later) continue;
    auto volume = world_->open(world_->files);
    if (!volume) return "the mount is refused: " + describe(volume.error());
    if (look_first || !finish) {
      const std::string wrong = expected_.complaint(moment, look_at((*volume)->tree()), false);
      if (!wrong.empty()) return "before recovery: " + wrong;
    }
    if (finish) {
      auto done = (*volume)->recover();
      if (!done) return "recovery fails: " + describe(done.error());
      if (!*done) return "recovery leaves something undone";
      const std::string wrong = expected_.complaint(moment, look_at((*volume)->tree()), true);
      if (!wrong.empty()) return "after recovery: " + wrong;
      shown_ = look_at((*volume)->tree());
      if (const std::string later = later_ ? later_(**volume) : ""; !later.empty()) return later;
    }
    if (auto closed = (*volume)->close(); !closed) return "unmount fails: " + describe(closed.error());
  }
  return verify_settled(moment);
}

std::string Replay::verify_settled(std::size_t moment) {
  auto volume = world_->open(world_->files);
  if (!volume) return "the mount after recovery is refused: " + describe(volume.error());
  if ((*volume)->context().epochs.recovering()) return "the mount after recovery recovers again";
  const SeenTree seen = look_at((*volume)->tree());
  std::string wrong = expected_.complaint(moment, seen, true) + difference(shown_, seen);
  Findings findings;
  if (auto checked = check_volume(**volume, findings); !checked) wrong += describe(checked.error());
  wrong += findings.text;
  if (auto closed = (*volume)->close(); !closed) wrong += describe(closed.error());
  return wrong.empty() ? wrong : "in the clean mount after recovery: " + wrong;
}

void Replay::verify(std::size_t moment, const LowerTree& state) {
  const std::size_t turn = counts_.replayed++ % 4;
  put_in_place(state);
  std::string wrong = turn == 3 ? verify_read_only(moment) : "";
  if (wrong.empty()) wrong = verify_mounts(moment, turn != 1, turn == 2);
  if (!wrong.empty()) {
    complain(wrong, moment);
    if (counts_.complaints == 1 && std::getenv("ENFOLD_CRASH_TRACE") != nullptr) tell(state);
    return;
  }
  if (with_second_crash && counts_.replayed % kSecondCrashEvery == 1) second_crash(moment, state);
}

void Replay::second_crash(std::size_t moment, const LowerTree& state) {
  put_in_place(state);
  RecordingFiles recorder({world_->lower(), world_->pins()});
  if (auto volume = world_->open(recorder); volume) {
    if (counts_.replayed % 2 == 0) std::ignore = look_at((*volume)->tree());
    std::ignore = (*volume)->recover();
    if (later_) std::ignore = later_(**volume);
    std::ignore = (*volume)->close();
  }
  const LowerLog second = recorder.log();
  bool exhaustive = false;
  for_states(second, kSecondStates, exhaustive, [&](std::size_t, const LowerTree& again) {
    ++counts_.second;
    put_in_place(again);
    const std::string wrong = verify_mounts(moment, counts_.second % 2 == 0, counts_.second % 3 == 0);
    if (!wrong.empty()) complain("after a second power cut, in recovery: " + wrong, moment);
  });
}

ReplayCounts Replay::run(const History& history) {
  record(history);
  if (testing::Test::HasFatalFailure() || testing::Test::HasFailure()) return counts_;
  counts_.possible = for_states(log_, states_per_history(), counts_.exhaustive,
                                [&](std::size_t moment, const LowerTree& one) {
                                  LowerTree state = one;
                                  if (vary_state) vary_state(*world_, state);
                                  verify(moment, state);
                                });
  std::cout << name_ << " on " << enfold::name_of(journal_) << ": " << log_.calls.size() << " lower calls, "
            << counts_.replayed << (counts_.exhaustive ? " states, all of " : " states, sampled from ")
            << counts_.possible << "; " << counts_.second << " after a second power cut; "
            << counts_.complaints << " complaints\n";
  return counts_;
}

}  // namespace enfold
