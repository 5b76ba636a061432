// What is done about names after a crash (fs/README.md, "After a crash"): at lookups, and by a pass over the
// whole tree in the background.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "fs/volume/directories.h"
#include "fs/volume/lower_walk.h"
#include "fs/volume/marker_repair.h"
#include "fs/volume/open_files.h"
#include "fs/volume/set_aside.h"

namespace enfold {

// For use while Epochs::recovering(). Thread-safe. Takes Places::names() itself, but where it says otherwise.
class Recovery : private LowerWalk::Visitor {
 public:
  Recovery(VolumeContext& context, InodeTable& table, Places& places, Directories& directories,
           OpenFiles& open_files, MarkerRepair& markers, SetAside& set_aside)
      : context_(context),
        table_(table),
        places_(places),
        directories_(directories),
        open_files_(open_files),
        markers_(markers),
        set_aside_(set_aside),
        walk_(context.files, table, places) {}

  // Before a lookup. kSystem ENOENT where what was there is set aside, or hidden; what else fails is logged.
  Result<void> before_lookup(const Spot& spot);
  // After it. kSystem ENOENT as above; what else fails is logged, and shows when the inode is used.
  Result<void> after_lookup(const InodePtr& inode);
  // Takes lost files out of a listing.
  void leave_out_lost(const InodePtr& directory, std::vector<DirectoryEntry>& entries);

  // With names() held exclusively: something got another name, perhaps out of what the pass will still see. A
  // directory is visited again, and a file that is not settled yet.
  void moved(const LowerId& object, const Link& link);

  // Passes over the whole tree, one lower directory at a time, by lower names, so that neither a marker that
  // is damaged nor a name that does not decrypt hides a file. True when all was passed. What is damaged, or
  // belongs to somebody else, is left; what cannot be read or written for now leaves the pass unfinished.
  bool run(const std::atomic<bool>& stop);

 private:
  Result<void> restore_sidecar(const Spot& spot);
  Result<void> settle(const InodePtr& inode);
  void walk(const InodePtr& top, const std::atomic<bool>& stop);
  void visit_again(const InodePtr& moved, const std::atomic<bool>& stop);
  void note(const Error& error, const InodePtr& directory, const std::string& lower_name);
  std::vector<InodePtr> take_moved();

  bool enter(const InodePtr& directory) override;
  bool wants(const InodePtr& directory, const LowerEntry& entry) override;
  void object(const Link& link) override;
  InodePtr find(const Link& link) override;
  void not_listed(const Error& error, const InodePtr& directory) override;

  VolumeContext& context_;
  InodeTable& table_;
  Places& places_;
  Directories& directories_;
  OpenFiles& open_files_;
  MarkerRepair& markers_;
  SetAside& set_aside_;
  LowerWalk walk_;

  std::mutex running_;  // one pass at a time; guards what follows, up to the blank line
  bool complete_ = true;
  std::uint64_t entries_ = 0;

  std::mutex moved_mutex_;
  std::vector<InodePtr> moved_;  // with a lookup each
};

}  // namespace enfold
