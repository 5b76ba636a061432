// A file gets a new data key, in place, beside whoever writes it.
#include "tests/crash/histories.h"

namespace enfold {
namespace {

constexpr std::size_t kSector = kSectorPlainBytes;
constexpr std::size_t kLength = 5 * kSector + 500;

void durable_file(App& app) { app.make_file("f", kLength, 'o'); }

// At each of the calls that the header with both keys takes.
std::vector<History> renewals_beside_a_checkpoint() {
  std::vector<History> out;
  for (std::size_t n = 0; n < 24; n += 4)
    out.push_back({"NewDataKeyAndCheckpointBeforeCall" + std::to_string(n), durable_file,
                   [n](App& app, RecordingFiles& recorder) {
                     app.open("f");
                     app.write("f", kLength, 700, 'n');
                     app.checkpoint_during(recorder, n, [&] { app.renew("f"); });
                     app.write("f", kSector, 5000, 'm');
                     app.close("f");
                   }});
  return out;
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<History> single_histories() {
  using Rec = RecordingFiles;
  return {
      {"NewDataKey", durable_file, [](App& app, Rec&) { app.renew("f"); }},
      {"NewDataKeyOfANewFile", nullptr,
       [](App& app, Rec&) {
         app.create("f");
         app.write("f", 0, 3 * kSector + 100, 'n');
         app.renew("f");
         app.close("f");
       }},
      {"NewDataKeyOfWhatIsNotSynced", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.write("f", kSector, 2 * kSector, 'n');
         app.write("f", kLength, kSector, 'm');
         app.renew("f");
         app.write("f", 0, 3 * kSector, 'p');
         app.close("f");
       }},
      {"NewDataKeyAndWritesBetween", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.renew("f", [&](int chunk) {
           if (chunk == 0) app.write("f", 100, 200, 'n');                  // sealed anew already
           if (chunk == 0) app.write("f", 3 * kSector + 5, kSector, 'm');  // still under the former key
           if (chunk == 1) app.write("f", kLength, kSector, 'p');          // its old tail, too
           return true;
         });
         app.close("f");
       }},
      {"NewDataKeyAndFsyncsBetween", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.renew("f", [&](int chunk) {
           app.write("f", static_cast<std::size_t>(chunk) * 2 * kSector, kSector, 'n');
           app.fsync("f");
           return true;
         });
         app.close("f");
       }},
      {"NewDataKeyAndACutBetween", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.renew("f", [&](int chunk) {
           if (chunk == 0) app.resize("f", 3 * kSector + 7);
           if (chunk == 1) app.write("f", 3 * kSector + 7, 2 * kSector, 'n');
           return true;
         });
         app.close("f");
       }},
      {"NewDataKeyAndAPunchBetween", durable_file,
       [](App& app, Rec&) {
         app.open("f");
         app.renew("f", [&](int chunk) {
           if (chunk == 0) app.punch("f", kSector - 50, 3 * kSector + 100);
           if (chunk == 1) app.write("f", 2 * kSector, 100, 'n');
           return true;
         });
         app.close("f");
       }},
      {"NewDataKeyStoppedThenWritten", durable_file,
       [](App& app, Rec&) {
         app.renew("f", [&](int) { return false; });
         app.open("f");
         app.write("f", kSector + 5, 3 * kSector, 'n');
         app.write("f", kLength, 700, 'm');
         app.close("f");
       }},
      {"NewDataKeyStoppedThenFinished", durable_file,
       [](App& app, Rec&) {
         app.renew("f", [&](int) { return false; });
         app.checkpoint();
         app.renew("f");
         app.checkpoint();
         app.open("f");
         app.write("f", kSector + 5, kSector, 'n');
         app.close("f");
       }},
      {"NewDataKeyInTwoMounts", durable_file,
       [](App& app, Rec&) {
         app.renew("f", [&](int) { return false; });
         app.unmount();
         app.mount();
         app.renew("f");
         app.unmount();
       }},
      {"NewDataKeyTwice", durable_file,
       [](App& app, Rec&) {
         app.renew("f");
         app.open("f");
         app.write("f", kSector + 5, kSector, 'n');
         app.close("f");
         app.renew("f");
       }},
  };
}

}  // namespace

std::vector<History> renewal_histories() {
  std::vector<History> out = single_histories();
  std::ranges::move(renewals_beside_a_checkpoint(), std::back_inserter(out));
  for (History& history : out) history.later = renew_all;
  return out;
}

}  // namespace enfold
