#include "kms/store/row_id.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxShown = 400;

std::string printable(ByteSpan bytes) {
  std::string text = as_string(bytes.first(std::min(bytes.size(), kMaxShown)));
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

std::string uuid_form(ByteSpan bytes) {
  std::string hex = to_hex(bytes.first(std::min(bytes.size(), kMaxShown)));
  if (bytes.size() != 16) return hex;
  for (std::size_t dash : {20U, 16U, 12U, 8U}) hex.insert(dash, "-");
  return hex;
}

}  // namespace

std::string name_of(const RowId& id) {
  switch (id.kind) {
    case RowKind::kKey:
      return "key " + uuid_form(id.id);
    case RowKind::kAlias:
      return "alias arn:aws:kms:" + printable(id.id);
    case RowKind::kPrincipal:
      return "principal arn:aws:iam::" + printable(id.id);
  }
  return "a row of unknown kind with id " + to_hex(id.id).substr(0, kMaxShown);
}

}  // namespace enfold
