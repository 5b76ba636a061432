#include "fs/volume/file_body.h"
#include "fs/volume/header_slot.h"

namespace enfold {

Result<void> FileBody::write_slot(const SlotChange& change) {
  const Exclusive nobody_writes(resize_lock_);
  ENFOLD_TRY(write_header_slot(context_.files, change.fd, change.index, change.slot, change.before));
  WrappedKeys wrapped = keys_.wrapped();
  wrapped.current.envelope = change.counts;
  keys_.replace(std::move(wrapped), *keys_.held());
  return {};
}

}  // namespace enfold
