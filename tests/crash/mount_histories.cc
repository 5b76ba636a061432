// Mounts that come and go: the states of config and pin, checkpoints, and mounts that died.
#include "tests/crash/histories.h"
#include "tests/crash/random_history.h"

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;

void durable_file(App& app) { app.make_file("f", 2 * kSector + 500, 'o'); }

void append(App& app, char fill) {
  app.open("f");
  app.write("f", 2 * kSector + 500, kSector, fill);
  app.close("f");
}

}  // namespace

std::vector<History> mount_histories() {
  return {
      {"MountAndUnmount", durable_file, [](App& app, RecordingFiles&) { app.unmount(); }, true},
      {"MountWriteUnmountTwice", durable_file,
       [](App& app, RecordingFiles&) {
         append(app, 'n');
         app.unmount();
         app.mount();
         app.make_file("g", kSector, 'n');
         app.unmount();
       }},
      {"KilledMountThenAnother", durable_file,
       [](App& app, RecordingFiles& recorder) {
         append(app, 'n');
         app.mkdir("d");
         app.make_file("d/g", 100, 'n');
         app.die(recorder);
         app.mount();
         app.make_file("d/h", kSector, 'm');
       }},
      {"KilledInTheMiddleOfAWriteThenAnother", durable_file,
       [](App& app, RecordingFiles& recorder) {
         app.open("f");
         app.write("f", 2 * kSector + 500, kSector, 'n');
         app.die(recorder);
         app.mount();
         EXPECT_TRUE(app.volume().recover().value_or(false));
         app.open("f");
         app.write("f", 0, 3 * kSector, 'm');
         app.close("f");
         app.checkpoint();
         append(app, 'k');
       }},
      {"ManyCheckpoints", durable_file,
       [](App& app, RecordingFiles&) {
         append(app, 'n');
         app.checkpoint();
         app.make_file("g", 3 * kSector, 'n');
         app.checkpoint();
         app.open("g");
         app.write("g", 0, kSector, 'm');
         app.resize("g", 100);
         app.close("g");
         app.checkpoint();
         app.rename("g", "f");
       }},
      random_history("LongAndRandom", 60),
      random_history("LongAndRandomAgain", 60),
  };
}

History history_named(const std::string& name) {
  for (const auto& histories : {content_histories(), hole_histories(), name_histories(), renewal_histories(),
                                rekey_histories(), mount_histories()})
    for (const History& history : histories)
      if (history.name == name) return history;
  ADD_FAILURE() << "no history " << name;
  return {};
}

}  // namespace enfold
