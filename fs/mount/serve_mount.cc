#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "fs/mount/background.h"
#include "fs/mount/mount.h"
#include "fs/mount/mount_options.h"
#include "fs/mount/mount_point.h"
#include "fs/mount/session.h"
#include "kms/base/log.h"
#include "kms/base/secret_memory.h"
#include "kms/base/service_manager.h"

namespace enfold {
namespace {

struct MountJob {
  Session::Place place;
  MountOptions options;
  LogTarget log;
};

// Directories and files in use take one descriptor each.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// An unmount returns before the process behind it has closed the volume. So where the volume is locked and is
// not mounted, its holder is about to let go.
Result<std::unique_ptr<OpenVolume>> open_once_closed(const std::string& source, const OpenForMount& open) {
  using std::chrono::milliseconds;
  constexpr milliseconds kPause{50};
  for (milliseconds left{5000};; left -= kPause) {
    auto volume = open();
    bool wait = !volume && volume.error().code == Errc::kBusy && left > kPause && !is_mounted_from(source);
    if (!wait) return volume;
    std::this_thread::sleep_for(kPause);
  }
}

Result<void> serve_until_unmounted(const MountJob& job, OpenVolume& volume, const Ready& ready) {
  StopSignals stop;
  SystemClock clock;
  Mounted mounted(volume.tree(), clock);
  Result<void> served;
  {
    ENFOLD_TRY_ASSIGN(auto session, Session::mount(mounted, job.place, job.options));
    served = session->serve(stop, ready);
  }
  // The kernel gives no RELEASE for what was open when the mount went.
  mounted.files.clear();
  mounted.directories.clear();
  return served;
}

Result<void> run(const MountJob& job, const OpenForMount& open, const Ready& ready) {
  raise_descriptor_limit();
  ENFOLD_TRY_ASSIGN(auto volume, open_once_closed(job.place.source, open));
  open_log(job.log);
  ::umask(0);  // the kernel has applied the caller's already
  Result<void> served = serve_until_unmounted(job, *volume, ready);
  Result<void> closed = volume->close();
  if (!closed) log_error("closing the volume: " + describe(closed.error()));
  return served ? closed : served;
}

}  // namespace

Result<void> serve_mount(const MountRequest& request, const OpenForMount& open) {
  forbid_core_dumps();
  ENFOLD_TRY_ASSIGN(MountOptions options, parse_mount_options(request.options, ::geteuid() == 0));
  ENFOLD_TRY_ASSIGN(std::string lower, canonical_lower(request.lower));
  ENFOLD_TRY_ASSIGN(std::string point, prepare_mount_point(request.mountpoint, lower));
  std::string source = options.source.empty() ? lower : options.source;
  MountJob job{{std::move(point), std::move(source)},
               std::move(options),
               request.foreground ? LogTarget::kStderr : LogTarget::kSyslog};
  if (request.foreground) return run(job, open, [] { notify_service_manager("READY=1"); });
  return in_background([&](const Ready& ready) { return run(job, open, ready); });
}

}  // namespace enfold
