// The id of a directory whose marker was lost, from what is in it: the headers of its files and the markers
// of its directories say whose children they were made as. Not for use outside fs/volume.
#pragma once

#include <optional>

#include "fs/format/ids.h"
#include "fs/volume/volume_context.h"

namespace enfold {

struct MarkerHint {
  // An id that an entry names and under which that entry's name decrypts: so it is right.
  std::optional<DirectoryId> directory;
  bool has_entries = false;
};

// Reads only. `dir` may be O_PATH. kSystem where anything that may hold the hint cannot be read: without it,
// nobody can say that there is none.
Result<MarkerHint> find_marker_hint(VolumeContext& context, int dir);

// Whether it is the id of that directory, as far as its entries tell: one of their names decrypts, or there
// is none.
Result<bool> opens_entries(VolumeContext& context, int dir, const DirectoryId& id);

// Missing, short or all zero, as a crash leaves a marker whose name was committed before its bytes; false for
// one that is whole and does not verify. kSystem where it cannot be read.
Result<bool> is_marker_lost(Files& files, int dir);

}  // namespace enfold
