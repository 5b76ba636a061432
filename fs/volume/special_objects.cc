#include "fs/volume/special_objects.h"

namespace enfold {

Result<std::shared_ptr<const Special>> SpecialObjects::load(const InodePtr& inode) {
  if (auto known = inode->special()) return known;
  ENFOLD_TRY_ASSIGN(const Fd fd, places_.open_content(inode, O_RDONLY, S_IRUSR));
  Bytes content(kMaxSpecialBytes);
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(context_.files, fd.get(), content, 0));
  content.resize(size);
  auto special = open_special(content, context_.keys);
  if (!special) return add_context(std::move(special).error(), "lower file " + places_.lower_path(inode));
  if (special->kind != special_kind_of_type(inode->lower.type))
    return make_error(Errc::kDamaged, "lower file " + places_.lower_path(inode) + " changed its kind");
  auto loaded = std::make_shared<const Special>(std::move(*special));
  inode->set_special(loaded);
  return loaded;
}

}  // namespace enfold
