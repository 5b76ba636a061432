// Holes that are made where there was content: punching, zeroing, and reserving blocks.
#include "tests/crash/histories.h"

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;

void durable_file(App& app) { app.make_file("f", 4 * kSector + 500, 'o'); }

// More than a punch raises the hole end by.
constexpr std::size_t kLongSectors = 260;
void long_file(App& app) { app.make_file("f", kLongSectors * kSector + 9, 'o'); }

// At each of the calls that a punch makes below.
std::vector<History> punches_beside_a_checkpoint() {
  std::vector<History> out;
  for (std::size_t n = 0; n < 5; ++n)
    out.push_back({"PunchAndCheckpointBeforeCall" + std::to_string(n), durable_file,
                   [n](App& app, RecordingFiles& recorder) {
                     app.open("f");
                     app.checkpoint_during(recorder, n, [&] { app.punch("f", 100, 2 * kSector); });
                     app.write("f", 0, 2 * kSector, 'n');
                     app.close("f");
                   }});
  return out;
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<History> punch_histories() {
  using Rec = RecordingFiles;
  return {
      {"PunchDurable", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", kSector, 2 * kSector);
         app.close("f");
       }},
      {"PunchPartsOfSectors", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", kSector - 10, 2 * kSector + 20);
         app.punch("f", 100, 50);
         app.fsync("f");
         app.close("f");
       }},
      {"PunchRefillClose", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", kSector, kSector);
         app.write("f", kSector, kSector, 'n');
         app.close("f");
       }},
      {"PunchFsyncRefillClose", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", 0, 2 * kSector);
         app.fsync("f");
         app.write("f", 0, 2 * kSector, 'n');
         app.close("f");
       }},
      {"PunchRefillFsyncCloseOverwrite", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", 0, 2 * kSector);
         app.write("f", 0, 2 * kSector, 'n');
         app.fsync("f");
         app.close("f");
         app.open("f");
         app.write("f", 10, kSector, 'm');
         app.close("f");
       }},
      {"PunchRefillPunchAgain", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         for (const char fill : {'n', 'm'}) {
           app.punch("f", kSector, kSector);
           app.write("f", kSector, kSector, fill);
         }
         app.punch("f", kSector, kSector);
         app.close("f");
       }},
      {"PunchInAFileNeverSynced", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.write("f", 0, 3 * kSector, 'n');
         app.punch("f", 0, 2 * kSector);
         app.write("f", 3 * kSector, kSector, 'm');
         app.punch("f", 2 * kSector, 2 * kSector);
         app.close("f");
       }},
      {"PunchInAFileNeverSyncedAcrossACheckpoint", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.write("f", 0, 3 * kSector, 'n');
         app.checkpoint();
         app.punch("f", 0, 2 * kSector);
         app.write("f", 100, kSector, 'm');
         app.close("f");
       }},
      {"PunchFromTheFrontAgainAndAgain", long_file,
       [](App& app, Rec&) {
         app.open("f");
         for (const std::size_t at : {0U, 1U, 2U, 255U, 257U}) app.punch("f", at * kSector, kSector);
         app.close("f");
       }},
      {"PunchAfterAReopen", durable_file,
       [](App& app, Rec&) {
         for (std::size_t at = 0; at < 3; ++at) {
           app.open("f");
           app.punch("f", (2 - at) * kSector, kSector);
           app.close("f");
         }
         app.open("f");
         app.write("f", 0, 2 * kSector, 'n');
         app.close("f");
       }},
      {"PunchTheEndThenAppend", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", 3 * kSector, 10 * kSector);
         app.write("f", 4 * kSector + 500, kSector, 'n');
         app.close("f");
       }},
      {"PunchTheEndFsyncAppend", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", 3 * kSector, 10 * kSector);
         app.fsync("f");
         app.write("f", 5 * kSector, kSector, 'n');
         app.close("f");
       }},
      {"PunchThenShrinkThenGrow", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", kSector, 2 * kSector);
         app.resize("f", 2 * kSector + 7);
         app.write("f", 2 * kSector, 2 * kSector, 'n');
         app.close("f");
       }},
      {"ShrinkThenPunch", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.resize("f", 3 * kSector + 7);
         app.punch("f", 0, kSector);
         app.close("f");
       }},
      {"PunchCheckpointRefillClose", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.punch("f", 0, 2 * kSector);
         app.checkpoint();
         app.write("f", 0, 2 * kSector, 'n');
         app.close("f");
         app.checkpoint();
         app.open("f");
         app.punch("f", kSector, kSector);
         app.close("f");
       }},
      {"PunchInAMountAfterACrash", durable_file,
       [](App& app, Rec& recorder) {
         app.open("f");
         app.write("f", 4 * kSector + 500, kSector, 'n');
         app.die(recorder);
         app.mount();
         app.open("f");
         app.punch("f", kSector, 3 * kSector);
         app.write("f", kSector, kSector, 'm');
         app.close("f");
       }},
  };
}

std::vector<History> zero_and_allocate_histories() {
  using Rec = RecordingFiles;
  return {
      {"ZeroRangeOverTheEnd", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.zero("f", 2 * kSector + 100, 4 * kSector);
         app.close("f");
       }},
      {"ZeroRangeRefillFsync", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.zero("f", 0, 3 * kSector);
         app.write("f", kSector, kSector, 'n');
         app.fsync("f");
         app.write("f", 0, kSector, 'm');
         app.close("f");
       }},
      {"ZeroRangeOfANewFile", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.zero("f", 0, 3 * kSector);
         app.write("f", kSector, kSector, 'n');
         app.fsync("f");
         app.write("f", 0, kSector, 'm');
         app.close("f");
       }},
      {"AllocateThenAppend", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.allocate("f", FALLOC_FL_KEEP_SIZE, 4 * kSector, 4 * kSector);
         app.write("f", 4 * kSector + 500, kSector, 'n');
         app.fsync("f");
         app.write("f", 5 * kSector + 500, kSector, 'm');
         app.close("f");
       }},
      {"AllocateAndFill", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.allocate("f", 0, 0, 4 * kSector);
         app.write("f", 0, 2 * kSector, 'n');
         app.fsync("f");
         app.write("f", 2 * kSector, 2 * kSector, 'm');
         app.close("f");
       }},
  };
}

}  // namespace

std::vector<History> hole_histories() {
  std::vector<History> out = punch_histories();
  for (auto& more : {zero_and_allocate_histories(), punches_beside_a_checkpoint()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace enfold
