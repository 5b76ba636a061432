#include "kms/store/store_contents.h"

#include <vector>

namespace enfold {
namespace {

constexpr std::size_t kMaxNames = 5;

std::string join(const std::vector<const RowId*>& rows, const std::string& what) {
  std::string text;
  for (std::size_t i = 0; i < rows.size() && i < kMaxNames; ++i)
    text.append(i == 0 ? "" : ", ").append(name_of(*rows[i]));
  if (rows.size() > kMaxNames)
    text.append(" and ").append(std::to_string(rows.size() - kMaxNames)).append(" more");
  return text + " " + what;
}

using Found = std::vector<const RowId*>;

// Nobody committed in between, so whatever is different was changed behind SQLite's back.
Found changed_since(const StoreContents& before, const StoreContents& now) {
  Found found;
  for (const auto& [id, sealed] : before.rows)
    if (auto row = now.rows.find(id); row == now.rows.end() || row->second != sealed) found.push_back(&id);
  for (const auto& [id, sealed] : now.rows)
    if (!before.rows.contains(id)) found.push_back(&id);
  return found;
}

Found unreadable(const StoreContents& contents, const RowSeal& seal) {
  Found found;
  for (const auto& [id, sealed] : contents.rows)
    if (!seal.open(id, sealed)) found.push_back(&id);
  return found;
}

Found out_of_place(const StoreContents& contents) {
  Found found;
  if (!contents.root.locator) return found;
  for (const auto& [id, sealed] : contents.rows)
    if (contents.locator.differs_by(id, *contents.root.locator)) found.push_back(&id);
  return found;
}

}  // namespace

MultisetHash StoreContents::hash() const {
  MultisetHash all;
  for (const MultisetHash& kind : hashes) all.add(kind.value());
  return all;
}

void StoreContents::add(RowId id, Bytes sealed, const Digest& element) {
  hashes[slot(id.kind)].add(element);
  locator.add(id, element);
  rows.emplace(std::move(id), std::move(sealed));
}

void StoreContents::remove(const RowId& id, const RowSeal& seal) {
  auto row = rows.find(id);
  if (row == rows.end()) return;
  const Digest element = seal.element(id, row->second);
  hashes[slot(id.kind)].remove(element);
  locator.remove(id, element);
  rows.erase(row);
}

std::string name_changed_rows(const StoreContents& contents, const StoreContents* before,
                              const RowSeal& seal) {
  if (before != nullptr && before->root_sealed == contents.root_sealed)
    if (Found found = changed_since(*before, contents); !found.empty())
      return join(found, "changed: edited, exchanged, added, removed or rolled back");
  if (Found found = unreadable(contents, seal); !found.empty())
    return join(found, found.size() == 1 ? "does not open: it was edited or exchanged"
                                         : "do not open: they were edited or exchanged");
  if (Found found = out_of_place(contents); !found.empty())
    return join(found, "is an older version: it was rolled back");
  if (contents.rows.size() < contents.root.rows) return "a row was removed; which one cannot be told";
  return "rows were added, removed or rolled back; which ones cannot be told";
}

}  // namespace enfold
