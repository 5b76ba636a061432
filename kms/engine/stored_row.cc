#include "kms/engine/stored_row.h"

namespace enfold {

void put_text(ByteWriter& writer, const std::string& text) {
  writer.u16(static_cast<std::uint16_t>(text.size()));
  writer.bytes(as_bytes(text));
}

std::string take_text(ByteReader& reader) { return as_string(reader.bytes(reader.u16())); }

std::unexpected<Error> malformed_row(const RowId& id) {
  return make_error(Errc::kStoreTampered, "A row of the KMS store is malformed: " + name_of(id));
}

std::unexpected<Error> unknown_row_version(const RowId& id, std::uint8_t version) {
  return make_error(Errc::kUnsupported, "A row of the KMS store has format version " +
                                            std::to_string(version) +
                                            ", which this program does not know: " + name_of(id));
}

}  // namespace enfold
