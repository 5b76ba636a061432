// Runs a history once, and then every state, or a seeded sample of the states, that a power cut could leave
// of it: each is put in place, opened as the next mount would, read, recovered, closed and opened again.
#pragma once

#include "tests/crash/crash_world.h"
#include "tests/crash/power_cut.h"

namespace enfold {

struct History {
  std::string name{};
  std::function<void(App&)> before;                   // on a fresh volume; durable
  std::function<void(App&, RecordingFiles&)> during;  // recorded, from before the mount; may unmount
  bool with_lock_file = false;                        // its states, too
  // After recovery from each state: changes no content, and says what went wrong.
  std::function<std::string(OpenVolume&)> later{};

  friend void PrintTo(const History& history, std::ostream* out) { *out << history.name; }
};

struct ReplayCounts {
  double possible = 0;       // states; with repetitions where not all were looked at
  std::size_t replayed = 0;  // different ones
  std::size_t second = 0;    // states of a second power cut, during recovery
  std::size_t complaints = 0;
  bool exhaustive = false;
};

class Replay {
 public:
  explicit Replay(Journal journal)
      : journal_(journal), random_(format_test::test_seed() + static_cast<std::uint64_t>(journal)) {}

  // For a canary: the log, or each state, with a change that must make the oracle complain.
  std::function<void(LowerLog&)> vary_log;
  std::function<void(CrashWorld&, LowerTree&)> vary_state;
  bool complaints_are_failures = true;
  bool with_second_crash = true;

  ReplayCounts run(const History& history);

 private:
  struct Cut {
    std::size_t moment;
    PowerCut::Prefixes prefixes;
    std::vector<std::size_t> digits{};
  };
  using Visit = std::function<void(std::size_t moment, const LowerTree&)>;

  void record(const History& history);
  // Calls `visit` with each different state, or with `limit` samples; answers how many there are, with
  // repetitions where they were too many to look at each.
  double for_states(const LowerLog& log, std::size_t limit, bool& exhaustive, const Visit& visit);
  std::vector<Cut> all_states(const PowerCut& power_cut, const std::vector<Cut>& cuts);
  void draw_states(const PowerCut& power_cut, const std::vector<Cut>& cuts, std::size_t limit,
                   const Visit& visit);
  static std::vector<Cut> all_cuts(const LowerLog& log, const PowerCut& power_cut);
  bool draw(const PowerCut& power_cut, const PowerCut::Choices& choices, LowerTree& out);

  void put_in_place(const LowerTree& state);
  void verify(std::size_t moment, const LowerTree& state);
  void second_crash(std::size_t moment, const LowerTree& state);
  std::string verify_mounts(std::size_t moment, bool look_first, bool finish_later);
  std::string verify_read_only(std::size_t moment);
  std::string verify_settled(std::size_t moment);
  void complain(const std::string& what, std::size_t moment);
  void tell(const LowerTree& state);  // where ENFOLD_CRASH_TRACE is set

  Journal journal_;
  format_test::SeededEntropy random_;
  std::string name_;
  std::function<std::string(OpenVolume&)> later_;
  std::unique_ptr<CrashWorld> world_;
  LowerLog log_;
  std::vector<std::string> trace_;
  Expectations expected_;
  SeenTree shown_;  // after recovery
  ReplayCounts counts_;
};

// ENFOLD_CRASH_SAMPLES, else few enough for every run of the tests.
std::size_t states_per_history();

}  // namespace enfold
