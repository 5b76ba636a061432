// A volume is re-keyed, beside whoever works in it.
#include "tests/crash/histories.h"

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;

void some_files(App& app) {
  app.make_file("f", 2 * kSector + 500, 'o');
  app.make_file("empty", 0, 'o');
  app.mkdir("d");
  app.make_file("d/g", 100, 'o');
}

// To what a history re-keys, known when it begins; the next run after each power cut has the same arguments.
using Requests = std::function<RekeyRequest(CrashWorld&)>;
using During = std::function<void(App&, RecordingFiles&, const RekeyRequest&)>;

History history(const std::string& name, const Requests& requests, const During& during) {
  const auto request = std::make_shared<RekeyRequest>();
  return {name,
          [=](App& app) {
            some_files(app);
            *request = requests(app.world());
          },
          [=](App& app, RecordingFiles& recorder) { during(app, recorder, *request); }, false,
          [=](OpenVolume& volume) { return rekey_all(volume, *request); }};
}

RekeyRequest to_newer_material(CrashWorld& world) {
  world.rotate_key();
  return {};
}
RekeyRequest to_another_key(CrashWorld& world) { return world.to_another_key(); }
RekeyRequest to_another_kms(CrashWorld& world) { return world.to_another_kms(); }
RekeyRequest to_new_data_keys(CrashWorld& world) {
  RekeyRequest out = world.to_another_key();
  out.new_data_keys = true;
  return out;
}

std::vector<History> plain_histories() {
  const During rekey = [](App& app, RecordingFiles&, const RekeyRequest& request) { app.rekey(request); };
  return {history("RekeyToNewerMaterial", to_newer_material, rekey),
          history("RekeyToAnotherKey", to_another_key, rekey),
          history("RekeyToAnotherKms", to_another_kms, rekey),
          history("RekeyWithNewDataKeys", to_new_data_keys, rekey)};
}

std::vector<History> histories_beside_a_checkpoint() {
  std::vector<History> out;
  for (std::size_t n = 0; n < 30; n += 6)
    out.push_back(history("RekeyAndCheckpointBeforeCall" + std::to_string(n), to_another_key,
                          [n](App& app, RecordingFiles& recorder, const RekeyRequest& request) {
                            app.open("f");
                            app.write("f", kSector, 3 * kSector, 'n');
                            app.checkpoint_during(recorder, n, [&] { app.rekey(request); });
                            app.write("f", 0, 5'000, 'm');
                            app.close("f");
                          }));
  return out;
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<History> busy_histories() {
  using Rec = RecordingFiles;
  using Request = RekeyRequest;
  return {
      history("RekeyOfOpenFiles", to_another_key,
              [](App& app, Rec&, const Request& request) {
                app.open("f");
                app.write("f", kSector, 3 * kSector, 'n');
                app.rekey(request);
                app.write("f", 0, 5'000, 'm');
                app.fsync("f");
                app.write("f", 4 * kSector, kSector, 'p');
                app.close("f");
              }),
      history("RekeyBesideChangesOfNames", to_another_key,
              [](App& app, Rec&, const Request& request) {
                int turn = 0;
                app.rekey(request, [&] {
                  if (turn++ == 0) {
                    app.rename("d/g", "h");
                    app.link("h", "d/linked");
                    app.make_file("new", kSector, 'n');
                    app.unlink("empty");
                  }
                  return true;
                });
                app.fsync_directory("");
              }),
      history("RekeyStoppedThenWritten", to_another_kms,
              [](App& app, Rec&, const Request& request) {
                app.rekey(request, [] { return false; });
                app.open("f");
                app.write("f", 100, 2 * kSector, 'n');
                app.close("f");
                app.make_file("new", kSector, 'n');
              }),
      history("RekeyInTwoMounts", to_another_kms,
              [](App& app, Rec&, const Request& request) {
                app.rekey(request, [] { return false; });
                app.unmount();
                app.mount();
                app.rekey({});
                app.unmount();
              }),
      history("RekeyThenKilledThenAnother", to_newer_material,
              [](App& app, Rec& recorder, const Request& request) {
                app.open("f");
                app.write("f", kSector, 2 * kSector, 'n');
                app.rekey(request);
                app.die(recorder);
                app.mount();
                EXPECT_TRUE(app.volume().recover().value_or(false));
                app.rekey(request);
                app.unmount();
              }),
      history("RekeyTwice", to_another_key,
              [](App& app, Rec&, const Request& request) {
                app.rekey(request);
                app.make_file("new", kSector, 'n');
                Request again = request;
                again.new_data_keys = true;
                app.rekey(again);
                app.unmount();
              }),
  };
}

}  // namespace

std::vector<History> rekey_histories() {
  std::vector<History> out = plain_histories();
  std::ranges::move(busy_histories(), std::back_inserter(out));
  std::ranges::move(histories_beside_a_checkpoint(), std::back_inserter(out));
  return out;
}

}  // namespace enfold
