#include "fs/format/marker.h"

#include "fs/format/layout.h"

namespace enfold {
namespace {

constexpr std::string_view kMarker = "directory marker";

}  // namespace

std::array<std::uint8_t, kMarkerBytes> encode_marker(const Marker& marker, const MacKey& key) {
  std::array<std::uint8_t, kMarkerBytes> out{};
  ByteWriter writer(out);
  writer.bytes(layout::kMarkerMagic);
  writer.u16(layout::kFormatVersion);
  writer.zeros(6);
  writer.bytes(marker.volume.bytes);
  writer.bytes(marker.directory.bytes);
  writer.bytes(marker.parent.bytes);
  layout::set_mac(key, {}, {}, out);
  return out;
}

Result<Marker> decode_marker_unverified(ByteSpan bytes) {
  if (bytes.size() != kMarkerBytes) return layout::damaged(kMarker, "the size is not 96 bytes");
  ByteReader reader(bytes);
  ENFOLD_TRY(layout::read_magic_and_version(reader, layout::kMarkerMagic, kMarker));
  reader.zeros(6);
  if (!reader.ok()) return layout::damaged(kMarker, "reserved bytes are not zero");
  return Marker{{reader.array<16>()}, {reader.array<16>()}, {reader.array<16>()}};
}

Result<Marker> decode_marker(ByteSpan bytes, const VolumeId& volume, const MacKey& key) {
  ENFOLD_TRY_ASSIGN(const Marker out, decode_marker_unverified(bytes));
  if (out.volume != volume) return layout::damaged(kMarker, "the volume id is another volume's");
  if (!layout::mac_verifies(key, {}, {}, bytes)) return layout::damaged(kMarker, "MAC does not verify");
  return out;
}

}  // namespace enfold
