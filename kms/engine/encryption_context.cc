#include "kms/engine/encryption_context.h"

namespace enfold {
namespace {

std::size_t encoded_bytes(const EncryptionContext& context) {
  std::size_t size = 4;
  for (const auto& [key, value] : context) size += 4 + key.size() + 4 + value.size();
  return size;
}

void put(ByteWriter& writer, const std::string& text) {
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.bytes(as_bytes(text));
}

}  // namespace

// std::map keeps the keys in byte order: char_traits compares as unsigned char.
Bytes encode_context(const EncryptionContext& context) {
  Bytes out(encoded_bytes(context));
  ByteWriter writer(out);
  writer.u32(static_cast<std::uint32_t>(context.size()));
  for (const auto& [key, value] : context) {
    put(writer, key);
    put(writer, value);
  }
  return out;
}

}  // namespace enfold
