// What happens to the content of a file.
#include "tests/crash/histories.h"

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;

void durable_file(App& app) { app.make_file("f", 3 * kSector + 500, 'o'); }

// At each of the calls that a shrink makes below.
std::vector<History> shrinks_beside_a_checkpoint() {
  std::vector<History> out;
  for (std::size_t n = 0; n < 5; ++n)
    out.push_back({"ShrinkAndCheckpointBeforeCall" + std::to_string(n), durable_file,
                   [n](App& app, RecordingFiles& recorder) {
                     app.open("f");
                     app.write("f", 3 * kSector + 500, kSector, 'n');
                     app.checkpoint_during(recorder, n, [&] { app.resize("f", kSector + 7); });
                     app.write("f", kSector + 7, kSector, 'm');
                     app.close("f");
                   }});
  return out;
}

// And at each of an append's.
std::vector<History> appends_beside_a_checkpoint() {
  std::vector<History> out;
  for (std::size_t n = 0; n < 5; ++n)
    out.push_back({"AppendAndCheckpointBeforeCall" + std::to_string(n), durable_file,
                   [n](App& app, RecordingFiles& recorder) {
                     app.open("f");
                     app.checkpoint_during(recorder, n,
                                           [&] { app.write("f", 3 * kSector + 500, 5000, 'n'); });
                     app.resize("f", 3 * kSector);
                     app.close("f");
                   }});
  return out;
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<History> single_histories() {
  using Rec = RecordingFiles;
  return {
      {"CreateWriteClose", nullptr, [](App& app, Rec&) { app.make_file("f", 2 * kSector + 100, 'n'); }},
      {"CreateWriteFsyncClose", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.write("f", 0, kSector + 100, 'n');
         app.fsync("f");
         app.close("f");
       }},
      {"CreateFsyncWriteFdatasync", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.fsync("f");
         app.write("f", 0, kSector + 100, 'n');
         app.fdatasync("f");
         app.write("f", kSector + 100, kSector, 'm');
         app.close("f");
       }},
      {"AppendToDurable", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", 3 * kSector + 500, 2 * kSector, 'n');
         app.close("f");
       }},
      {"AppendFsyncAppend", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", 3 * kSector + 500, kSector, 'n');
         app.fsync("f");
         app.write("f", 4 * kSector + 500, kSector, 'm');
         app.close("f");
       }},
      {"AppendSmallPieces", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         for (std::size_t i = 0; i < 4; ++i) app.write("f", 3 * kSector + 500 + i * 700, 700, 'n');
         app.close("f");
       }},
      {"ShrinkDurable", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.resize("f", kSector + 7);
         app.close("f");
       }},
      {"ShrinkToNothingAndWrite", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.resize("f", 0);
         app.write("f", 0, kSector + 50, 'n');
         app.close("f");
       }},
      {"ShrinkFsyncGrow", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.resize("f", 2 * kSector);
         app.fsync("f");
         app.write("f", 2 * kSector, kSector, 'n');
         app.close("f");
       }},
      {"OverwriteDurable", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", kSector - 100, kSector + 200, 'n');
         app.write("f", 0, 100, 'm');
         app.close("f");
       }},
      {"GrowThenShrinkInOneSession", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", 3 * kSector + 500, 2 * kSector, 'n');
         app.resize("f", 2 * kSector + 9);
         app.close("f");
       }},
      {"GrowCheckpointShrink", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", 3 * kSector + 500, 2 * kSector, 'n');
         app.checkpoint();
         app.resize("f", 2 * kSector + 9);
         app.checkpoint();
         app.write("f", 2 * kSector + 9, 100, 'm');
         app.close("f");
       }},
      {"NewFileGrowsAndShrinksAcrossCheckpoints", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.write("f", 0, 2 * kSector, 'n');
         app.checkpoint();
         app.resize("f", kSector);
         app.write("f", kSector, kSector + 1, 'm');
         app.checkpoint();
         app.resize("f", 10);
         app.close("f");
       }},
      {"HoleMadeAndFilled", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.resize("f", 6 * kSector + 11);
         app.write("f", 4 * kSector, kSector, 'n');
         app.write("f", 3 * kSector, kSector, 'm');
         app.write("f", 5 * kSector, kSector + 11, 'k');
         app.close("f");
       }},
      {"HoleSyncedThenFilled", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.write("f", 3 * kSector, 100, 'n');
         app.fsync("f");
         app.close("f");
         app.checkpoint();
         app.open("f");
         app.write("f", 0, 3 * kSector, 'm');
         app.close("f");
       }},
      {"HoleSyncedThenFilledNotSynced", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.resize("f", 3 * kSector + 100);
         app.fsync("f");
         app.write("f", kSector, 2 * kSector + 100, 'm');
         app.close("f");
       }},
      {"HoleDurableThenFilledNotSynced", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.resize("f", 3 * kSector + 100);
         app.checkpoint();
         app.write("f", 0, 3 * kSector + 100, 'm');
         app.close("f");
       }},
      {"MmapWrites", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", 0, 4096, 'n');
         app.write("f", 2 * 4096, 4096, 'm');
         app.close("f");
       }},
      {"MmapWritesAndMsync", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", 4096, 4096, 'n');
         app.fsync("f");
         app.write("f", 4096, 4096, 'm');
         app.close("f");
       }},
  };
}

}  // namespace

std::vector<History> content_histories() {
  std::vector<History> out = single_histories();
  for (auto& more : {shrinks_beside_a_checkpoint(), appends_beside_a_checkpoint()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace enfold
