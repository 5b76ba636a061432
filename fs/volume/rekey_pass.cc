#include "fs/volume/rekey_pass.h"

#include <sys/resource.h>

#include "fs/volume/rekey_batch.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxBatchFiles = 256;
constexpr std::size_t kMinBatchFiles = 8;

// From the root; what does not decrypt ends it.
std::string plain_path(Directories& directories, InodeTable& table, const Link& link) {
  std::vector<std::string> names;
  for (std::optional<Link> at = link; at; at = table.place(*at->parent, 0).link) {
    auto name = directories.plain_name(*at);
    if (name)
      names.push_back(*std::move(name));
    else
      names.clear();
    if (at->parent->number == kRootInode) break;
  }
  std::string out;
  for (auto name = names.rbegin(); name != names.rend(); ++name) out += "/" + *name;
  return out.empty() ? "/" : out;
}

std::string lower_path(const Places& places, const Link& link) {
  if (link.parent->number == kRootInode) return link.lower_name;
  return places.lower_path(link.parent) + "/" + link.lower_name;
}

}  // namespace

RekeyPass::RekeyPass(TreeParts& parts, unsigned jobs, RekeyObserver& observer)
    : parts_(parts), jobs_(jobs), observer_(observer) {}

Result<KeyUses> RekeyPass::count(const RekeyTarget& target) { return pass(target, false); }

Result<KeyUses> RekeyPass::run(const RekeyTarget& target) { return pass(target, true); }

// Not more than there are descriptors for.
unsigned RekeyPass::threads() const {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  return static_cast<unsigned>(std::clamp<rlim_t>(limit.rlim_cur / 4 / kMinBatchFiles, 1, jobs_));
}

// Each file of a batch is open meanwhile, in each of the threads.
std::size_t RekeyPass::batch_files() const {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMinBatchFiles;
  return std::clamp<std::size_t>(limit.rlim_cur / 4 / threads(), kMinBatchFiles, kMaxBatchFiles);
}

Result<KeyUses> RekeyPass::pass(const RekeyTarget& target, bool changes) {
  if (counts_.pass == 0) counts_.total = FileBatches(parts_).count(stop_);
  {
    const std::lock_guard lock(mutex_);
    ++counts_.pass;
    counts_.names = counts_.files = counts_.left = counts_.to_do = counts_.unverified = 0;
    uses_.clear();
    found_work_ = false;
    other_material_.reset();
  }
  FileBatches(parts_).run({threads(), batch_files(),
                           [&](const FileBatch& batch) { RekeyBatch(*this, target, changes).run(batch); },
                           [&](const Error& error, const Link& link) {
                             if (link.parent)
                               report(Severity::kUnread, link, describe(error), false);
                             else
                               stop_with(error);
                           }},
                          stop_);
  look_at_nameless(target, changes);
  // The wipes of the last batches.
  if (changes && found_work_ && !error_)
    if (auto synced = parts_.durable_first.everything(); !synced) stop_with(synced.error());
  const std::lock_guard lock(mutex_);
  if (error_) return std::unexpected(*error_);
  if (stop_) return make_error(Errc::kBusy, "stopped before its end");
  return uses_;
}

// Open files of which the last name was removed.
void RekeyPass::look_at_nameless(const RekeyTarget& target, bool changes) {
  FileBatch nameless;
  for (InodePtr& inode : parts_.table.open_without_name())
    nameless.push_back({{}, false, false, std::move(inode)});
  RekeyBatch(*this, target, changes).run(nameless);
  for (const ListedFile& file : nameless) parts_.places.forget(file.inode->number, 1);
}

void RekeyPass::looked_at(const FileBatch& batch) {
  const std::lock_guard lock(mutex_);
  counts_.names += batch.size();
  counts_.total = std::max(counts_.total, counts_.names);
  if (!observer_.progress(counts_)) stop_ = true;
}

void RekeyPass::uses(const Envelope& envelope) {
  const std::lock_guard lock(mutex_);
  for (const Recipient& recipient : envelope.recipients)
    ++uses_[KeyUse{recipient.key_arn, recipient.material_id}];
}

// Links of open files without a name have no directory.
void RekeyPass::report(Severity severity, const Link& link, const std::string& what, bool is_verified) {
  const std::string lower = link.parent ? lower_path(parts_.places, link) : "(an open file without a name)";
  const std::string plain = link.parent ? plain_path(parts_.directories, parts_.table, link) : "";
  const std::lock_guard lock(mutex_);
  ++counts_.left;
  if (!is_verified) ++counts_.unverified;
  if (is_verified && severity != Severity::kForeign) --counts_.to_do;
  if (!reported_.insert(lower).second) return;
  if (!observer_.finding({severity, plain, lower, what})) stop_ = true;
}

void RekeyPass::rekeyed(bool renewed) {
  const std::lock_guard lock(mutex_);
  ++(renewed ? counts_.renewed : counts_.rewrapped);
  --counts_.to_do;
  found_work_ = true;
}

void RekeyPass::wiped() {
  const std::lock_guard lock(mutex_);
  found_work_ = true;
}

void RekeyPass::found_file() {
  const std::lock_guard lock(mutex_);
  ++counts_.files;
}

void RekeyPass::wrapped_with(const std::string& other_material) {
  const std::lock_guard lock(mutex_);
  other_material_ = other_material;
}

void RekeyPass::found_to_do() {
  const std::lock_guard lock(mutex_);
  ++counts_.to_do;
}

bool RekeyPass::claim(const Inode& inode) {
  const std::lock_guard lock(mutex_);
  return claimed_.insert(inode.number).second;
}

void RekeyPass::release(const Inode& inode) {
  const std::lock_guard lock(mutex_);
  claimed_.erase(inode.number);
}

void RekeyPass::went_on(std::uint64_t renewed_bytes) {
  const std::lock_guard lock(mutex_);
  counts_.renewed_bytes += renewed_bytes;
  if (!observer_.progress(counts_)) stop_ = true;
}

void RekeyPass::stop_with(Error error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  stop_ = true;
}

}  // namespace enfold
