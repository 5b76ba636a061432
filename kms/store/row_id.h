// What a row is called in the store.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "kms/base/bytes.h"

namespace enfold {

enum class RowKind : std::uint8_t { kKey = 1, kAlias = 2, kPrincipal = 3 };
inline constexpr std::size_t kRowKinds = 3;
constexpr bool is_row_kind(std::int64_t kind) { return kind >= 1 && kind <= std::int64_t{kRowKinds}; }

// A row's identity: part of what is authenticated, so that no row passes for another. In clear in the
// database, so that a row that does not open can be named (name_of).
struct RowId {
  RowKind kind = RowKind::kKey;
  Bytes id;
  friend auto operator<=>(const RowId&, const RowId&) = default;
};

// For a person: "key UUID", "alias ARN", "principal ARN". What is not printable is shown as a question mark.
std::string name_of(const RowId& id);

}  // namespace enfold
