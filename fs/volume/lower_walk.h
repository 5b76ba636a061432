// Goes over a lower tree by lower names, one directory at a time, so that neither a marker that is damaged
// nor a name that does not decrypt hides anything. Beside all other calls: what is renamed meanwhile may be
// missed.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "fs/volume/places.h"
#include "fs/volume/volume_context.h"

namespace enfold {

class LowerWalk {
 public:
  class Visitor {
   public:
    Visitor() = default;
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;
    virtual ~Visitor() = default;

    // Before a directory is listed; false leaves it out.
    virtual bool enter(const InodePtr& directory) = 0;
    // An entry, whatever its name: false leaves it out.
    virtual bool wants(const InodePtr& directory, const LowerEntry& entry) = 0;
    // A wanted entry that is no directory.
    virtual void object(const Link& link) = 0;
    // A wanted entry that is a directory, or that the listing does not tell: its inode with one lookup more,
    // or null to leave it out.
    virtual InodePtr find(const Link& link) = 0;
    virtual void not_listed(const Error& error, const InodePtr& directory) = 0;
  };

  LowerWalk(Files& files, InodeTable& table, Places& places)
      : files_(files), table_(table), places_(places) {}

  // From `top`, which has a lookup for it, unless it is the root.
  void run(const InodePtr& top, Visitor& visitor, const std::atomic<bool>& stop);

  // The inode at a lower name, with one lookup more. kDamaged where neither a directory nor a regular file is
  // there; lower errors as they are.
  Result<InodePtr> find(const Link& link);
  Result<InodePtr> find_named(const Link& link);  // the same with names() held
  void leave(const InodePtr& inode);              // takes the lookup back
  // After an error that says it is gone: whether something is at that place all the same, or that cannot be
  // told.
  bool may_be_there(const Link& link);

 private:
  struct Level {
    InodePtr directory;
    std::vector<std::string> subdirectories;
  };

  Level enter(const InodePtr& directory, Visitor& visitor, const std::atomic<bool>& stop);
  Result<std::vector<LowerEntry>> list(const InodePtr& directory);
  Result<Fd> open_listable(const InodePtr& directory);

  Files& files_;
  InodeTable& table_;
  Places& places_;
};

}  // namespace enfold
