// Writes tests/vectors/format anew: format_make_vectors DIRECTORY. Everything is fixed, so it writes the same
// bytes each time; a difference to what is committed is a change of the format.
#include <fstream>
#include <iostream>

#include "tests/format/support.h"
#include "tests/format/vector_decoders.h"

namespace enfold::format_test {
namespace {

class VectorWriter {
 public:
  VectorWriter(std::string structure, Fields fields, ByteSpan base)
      : structure_(std::move(structure)), fields_(std::move(fields)), base_(base.begin(), base.end()) {
    fields_["volume"] = sample_volume().hex();
    fields_["secret"] = to_hex(sample_secret());
    out_ = "# Volume format version 1 (fs/FORMAT.md). How to read this: tests/format/vector_file.h\n";
    out_ += "structure: " + structure_ + "\n";
    for (const auto& [key, value] : fields_) out_ += key + ": " + value + "\n";
    out_ += patch_lines({}, base_);
  }

  void ok(const std::string& name, ByteSpan bytes, const Fields& own = {}) {
    Fields fields = fields_;
    for (const auto& [key, value] : own) fields[key] = value;
    const auto value = decode_vector(structure_, {name, fields, Bytes(bytes.begin(), bytes.end())});
    if (!value) std::cerr << structure_ << ' ' << name << ": " << value.error().message << '\n';
    begin(name, bytes, own);
    out_ += "expect: ok\nvalue: " + value.value_or("?") + "\n";
  }
  void ok(const std::string& name) { ok(name, base_); }

  void refused(const std::string& name, ByteSpan bytes, const std::string& expect, const Fields& own = {}) {
    begin(name, bytes, own);
    out_ += "expect: " + expect + "\n";
  }

  // The base with bytes put at an offset.
  void patched(const std::string& name, std::size_t offset, const Bytes& patch, const std::string& expect) {
    Bytes bytes = base_;
    std::ranges::copy(patch, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    refused(name, bytes, expect);
  }
  // The base with the lowest bit of a byte changed.
  void flipped(const std::string& name, std::size_t offset, const std::string& expect) {
    patched(name, offset, {static_cast<std::uint8_t>(base_[offset] ^ 1U)}, expect);
  }
  void resized(const std::string& name, std::size_t size, const std::string& expect) {
    Bytes bytes = base_;
    bytes.resize(size);
    refused(name, bytes, expect);
  }

  void write(const std::string& directory) const {
    std::ofstream(directory + "/" + structure_ + ".txt") << out_;
  }

 private:
  void begin(const std::string& name, ByteSpan bytes, const Fields& own) {
    out_ += "\ncase: " + name + "\n";
    for (const auto& [key, value] : own) out_ += key + ": " + value + "\n";
    out_ += patch_lines(base_, bytes);
  }

  std::string structure_;
  Fields fields_;
  Bytes base_;
  std::string out_;
};

void write_keys(const std::string& directory) {
  const HeaderPage page = sample_header();
  VectorWriter out("keys", {{"file", sample_file().hex()}, {"data-key", to_hex(sample_data_key().expose())}},
                   ByteSpan(page).first(kPrefixBoundBytes));
  for (const char* name :
       {"volume-commitment", "config-mac", "marker-mac", "slot-mac", "state-mac", "special", "xattr-name",
        "xattr-value", "file-key", "file-commitment", "content-0", "content-255"})
    out.ok(name);
  out.write(directory);
}

void write_sectors(const std::string& directory) {
  const Bytes hello{'h', 'e', 'l', 'l', 'o'};
  const auto base = seal_any_sector(5, 0, hello);
  VectorWriter out("sector",
                   {{"file", sample_file().hex()},
                    {"index", std::to_string(kAnySectorIndex)},
                    {"content-key", to_hex(sample_content_key().expose())}},
                   base);
  out.ok("five-bytes");
  out.ok("full", seal_any_sector(4064, 0, Bytes(4064, 'f')));
  out.ok("key-epoch-255", seal_any_sector(5, 255, hello),
         {{"content-key", to_hex(sample_content_key(255).expose())}});
  out.ok("parity-1", seal_any_sector(5, 0x100, hello));
  out.flipped("nonce-bit", 0, "damaged sector");
  out.flipped("tag-bit", 27, "damaged sector");
  out.flipped("length-bit", 28, "damaged sector");
  out.flipped("key-epoch-bit", 30, "damaged sector");
  out.flipped("parity-bit", 31, "damaged sector");
  out.flipped("first-ciphertext-bit", 32, "damaged sector");
  out.flipped("last-ciphertext-bit", 4095, "damaged sector");
  out.refused("another-index", base, "damaged sector", {{"index", "8"}});
  out.refused("index-beyond-32-bits", base, "damaged sector", {{"index", "4294967303"}});
  out.refused("another-file", base, "damaged sector", {{"file", other_file().hex()}});
  out.refused("another-volume", base, "damaged sector", {{"volume", other_keys().volume().hex()}});
  out.refused("another-key-epochs-key", base, "damaged sector",
              {{"content-key", to_hex(sample_content_key(1).expose())}});
  out.refused("length-0-sealed", seal_any_sector(0, 0, {}), "damaged sector");
  out.refused("length-4065-sealed", seal_any_sector(4065, 0, hello), "damaged sector");
  out.refused("unknown-flag-sealed", seal_any_sector(5, 0x200, hello), "damaged sector");
  out.refused("padding-not-zero-sealed", seal_any_sector(4, 0, hello), "damaged sector");
  out.refused("zeros", Bytes(kPageBytes), "damaged sector");
  out.write(directory);
}

// A header page with a change, made before the MAC of slot 0 or of the state was put right again.
HeaderPage resealed_slot(std::size_t offset, const Bytes& patch) {
  HeaderPage page = sample_header();
  std::ranges::copy(patch, page.begin() + static_cast<std::ptrdiff_t>(kSlotOffset[0] + offset));
  reseal_slot(page, 0);
  return page;
}
HeaderPage resealed_state(std::size_t offset, const Bytes& patch) {
  HeaderPage page = sample_header();
  std::ranges::copy(patch, page.begin() + static_cast<std::ptrdiff_t>(kStateOffset + offset));
  reseal_state(page);
  return page;
}

// The same of a page between two data keys.
HeaderPage resealed_between(std::size_t offset, const Bytes& patch) {
  HeaderPage page = sample_header_between();
  std::ranges::copy(patch, page.begin() + static_cast<std::ptrdiff_t>(kStateOffset + offset));
  reseal_state(page);
  return page;
}

HeaderPage without_slot(std::uint8_t index) {
  HeaderPage page = sample_header_between();
  std::ranges::fill(slot_of(page, index), std::uint8_t{0});
  return page;
}

HeaderPage flipped_between(std::size_t offset) {
  HeaderPage page = sample_header_between();
  page[offset] ^= 1U;
  return page;
}

HeaderPage with_second_slot(std::uint64_t generation) {
  HeaderPage page = sample_header();
  Envelope envelope = sample_envelope();
  envelope.recipients.front().material_id = std::string(64, 'd');
  envelope.generation = generation;
  const MacKey key = sample_keys().slot_mac(sample_file());
  if (!encode_slot(envelope, {prefix_of(page), 1, key}, slot_of(page, 1))) std::abort();
  return page;
}

void write_header_prefix_cases(VectorWriter& out) {
  out.flipped("magic", 0, "damaged header prefix: wrong magic");
  out.patched("version-2", 8, {2}, "unsupported header prefix: format version 2");
  out.patched("version-0", 8, {0}, "unsupported header prefix: format version 0");
  out.patched("cipher-2", 10, {2}, "unsupported header prefix: cipher 2");
  out.patched("critical-flag", 12, {1}, "unsupported header prefix: critical feature flags 1");
  out.patched("secret-id-2", 16, {2}, "damaged header prefix: the volume secret's id");
  out.patched("reserved-before-volume-id", 20, {1}, "damaged header prefix: reserved bytes");
  out.flipped("volume-id-bit", 24, "damaged header prefix: the volume id is another volume's");
  out.flipped("file-id-bit", 40, "damaged envelope slot: MAC");
  out.flipped("salt-bit", 56, "damaged envelope slot: MAC");
  out.patched("reserved-before-commitment", 88, {1}, "damaged header prefix: reserved bytes");
  out.flipped("commitment-bit", 480, "damaged envelope slot: MAC");
  out.refused("zeros", Bytes(kPageBytes), "damaged header prefix: wrong magic");
}

void write_header_slot_cases(VectorWriter& out) {
  out.ok("second-slot-newer", with_second_slot(2));
  out.refused("two-slots-of-one-generation", with_second_slot(1),
              "damaged header page: both envelope slots have");
  out.patched("slot-generation-bit", 512, {0}, "damaged envelope slot: MAC");
  out.flipped("slot-mac-bit", 512 + 1535, "damaged envelope slot: MAC");
  out.patched("spare-slot-not-empty", 2048 + 700, {1}, "damaged envelope slot: MAC");
  Bytes empty(1536);
  out.patched("no-slot", 512, empty, "damaged header page: both envelope slots are empty");
  HeaderPage moved = sample_header();
  std::ranges::copy(slot_of(moved, 0), slot_of(moved, 1).begin());
  std::ranges::fill(slot_of(moved, 0), std::uint8_t{0});
  out.refused("slot-moved-to-the-other-place", moved, "damaged envelope slot: MAC");
  out.refused("generation-0-sealed", resealed_slot(0, {0}), "damaged envelope slot: generation");
  out.refused("no-recipient-sealed", resealed_slot(8, {0}), "damaged envelope slot: no recipient");
  out.refused("count-4-sealed", resealed_slot(8, {4}), "damaged envelope slot: more than 3");
  out.refused("count-65535-sealed", resealed_slot(8, {0xff, 0xff}), "damaged envelope slot: more than 3");
  out.refused("slot-reserved-sealed", resealed_slot(10, {1}), "damaged envelope slot: reserved bytes");
  out.refused("provider-2-sealed", resealed_slot(16, {2}),
              "unsupported envelope slot: recipient of an unknown");
  out.refused("arn-length-0-sealed", resealed_slot(18, {0}), "damaged envelope slot: a recipient's key ARN");
  out.refused("arn-length-65535-sealed", resealed_slot(18, {0xff, 0xff}),
              "damaged envelope slot: a length leads");
  out.refused("ciphertext-length-0-sealed", resealed_slot(20, {0}),
              "damaged envelope slot: a recipient's cipher");
  out.refused("ciphertext-cut-sealed", resealed_slot(20, {99}),
              "damaged envelope slot: bytes after the last");
  out.refused("material-not-printable-sealed", resealed_slot(22, {1}),
              "damaged envelope slot: a recipient's key material");
  out.refused("material-cut-sealed", resealed_slot(22, {0xff, 0xff}),
              "damaged envelope slot: a length leads past");
  out.refused("arn-with-escape-sealed", resealed_slot(24, {0x1b}),
              "damaged envelope slot: a recipient's key ARN");
  out.refused("bytes-after-recipients-sealed", resealed_slot(1503, {1}),
              "damaged envelope slot: bytes after");
}

void write_header_state_cases(VectorWriter& out) {
  out.ok("dirty-in-key-epoch-255",
         resealed_state(0, {0, 255, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 2, 0, 0, 0, 0, 0, 0, 0}));
  out.flipped("state-clean-bit", 3584, "damaged state record: MAC");
  out.flipped("state-mac-bit", 4095, "damaged state record: MAC");
  out.refused("clean-2-sealed", resealed_state(0, {2}), "damaged state record: clean");
  out.refused("state-reserved-sealed", resealed_state(3, {1}), "damaged state record: reserved");
  out.ok("parity-1", resealed_state(2, {1}));
  out.refused("parity-2-sealed", resealed_state(2, {2}), "damaged state record: parity");
  out.refused("sealed-length-over-maximum-sealed", resealed_state(24, {1, 0, 0, 0, 0, 0, 0, 0x40}),
              "damaged state record: sealed length");
  out.refused("base-over-sealed-length-sealed", resealed_state(32, {0x11, 0x27}),
              "damaged state record: base length");
  out.refused("hole-end-over-maximum-sealed", resealed_state(40, {0, 0, 0, 0, 0, 0, 0, 1}),
              "damaged state record: hole end");
  out.refused("sector-writes-over-maximum-sealed", resealed_state(48, {1, 0, 0, 0, 1}),
              "damaged state record: sector writes");
  out.refused("tree-reserve-sealed", resealed_state(72, {1}), "damaged state record: reserved");
  out.refused("state-padding-sealed", resealed_state(479, {1}), "damaged state record: reserved");
}

void write_former_key_cases(VectorWriter& out) {
  out.ok("between-two-data-keys", sample_header_between());
  out.refused("former-flag-bit", flipped_between(kStateOffset + 136), "damaged state record: MAC");
  out.refused("former-slot-bit", flipped_between(kStateOffset + 137), "damaged state record: MAC");
  out.refused("former-salt-bit", flipped_between(kStateOffset + 144), "damaged state record: MAC");
  out.refused("former-commitment-bit", flipped_between(kStateOffset + 207), "damaged state record: MAC");
  out.refused("former-flag-2-sealed", resealed_between(136, {2}), "damaged state record: the former key is");
  out.refused("former-slot-2-sealed", resealed_between(137, {2}),
              "damaged state record: the former key's slot");
  out.refused("former-reserved-sealed", resealed_between(138, {1}), "damaged state record: reserved");
  out.refused("behind-the-former-key-sealed", resealed_between(208, {1}), "damaged state record: reserved");
  out.refused("absent-former-key-with-a-slot-sealed", resealed_state(137, {1}),
              "damaged state record: reserved");
  out.refused("absent-former-key-with-a-salt-sealed", resealed_state(144, {1}),
              "damaged state record: reserved");
  out.refused("no-slot-of-the-former-key", without_slot(0), "damaged header page: of two data keys");
  out.refused("no-slot-of-the-current-key", without_slot(1), "damaged header page: of two data keys");
  out.refused("former-key-forgotten-and-two-slots-sealed", resealed_between(136, Bytes(72)),
              "damaged header page: both envelope slots have");
}

void write_headers(const std::string& directory) {
  VectorWriter out("header", {}, sample_header());
  out.ok("new-file");
  write_header_prefix_cases(out);
  write_header_slot_cases(out);
  write_header_state_cases(out);
  write_former_key_cases(out);
  out.write(directory);
}

ConfigFile resealed_config_state(std::size_t offset, std::uint8_t value) {
  ConfigFile file = sample_config_file();
  file[kConfigStateOffset + offset] = value;
  reseal_config_state(file);
  return file;
}

void write_configs(const std::string& directory) {
  VectorWriter out("config", {}, sample_config_file());
  out.ok("new-volume");
  out.resized("cut", kConfigBytes - 1, "not-a-volume volume config: the size");
  out.resized("longer", kConfigBytes + 1, "not-a-volume volume config: the size");
  out.resized("empty", 0, "not-a-volume volume config: the size");
  out.flipped("magic", 0, "not-a-volume volume config: wrong magic");
  out.patched("version-2", 8, {2}, "unsupported volume config: format version 2");
  out.patched("cipher-2", 10, {2}, "unsupported volume config: cipher 2");
  out.patched("critical-flag", 15, {0x80}, "unsupported volume config: critical feature flags 2147483648");
  out.patched("secret-id-2", 16, {2}, "damaged volume config: the volume secret's id");
  out.flipped("volume-id-bit", 24, "damaged volume config: the volume id is another volume's");
  out.patched("prefix-reserved", 40, {1}, "damaged volume config: the prefix page's reserved bytes");
  out.patched("prefix-page-padding", 4095, {1}, "damaged volume config: the prefix page's reserved bytes");
  out.patched("slot-page-padding", 4096 + 1536, {1}, "damaged volume config: bytes behind an envelope slot");
  out.patched("spare-slot-page-padding", 3 * 4096 - 1, {1},
              "damaged volume config: bytes behind an envelope slot");
  out.flipped("key-arn-bit", 4096 + 24 + 8, "damaged envelope slot: MAC");
  out.flipped("ciphertext-bit", 4096 + 24 + 75, "damaged envelope slot: MAC");
  out.patched("no-slot", 4096, Bytes(1536), "damaged volume config: both envelope slots are empty");
  out.flipped("state-open-bit", kConfigStateOffset, "damaged volume config's state page: MAC");
  out.patched("state-padding", kConfigStateOffset + 100, {1}, "damaged volume config's state page: MAC");
  out.refused("open-2-sealed", resealed_config_state(0, 2), "damaged volume config's state page: open");
  out.refused("state-reserved-sealed", resealed_config_state(1, 1),
              "damaged volume config's state page: reserved");
  out.refused("state-padding-sealed", resealed_config_state(4063, 1),
              "damaged volume config's state page: reserved");
  out.write(directory);
}

void write_markers(const std::string& directory) {
  const VolumeKeys keys = sample_keys();
  VectorWriter out("marker", {}, encode_marker(sample_marker(), keys.marker_mac()));
  out.ok("directory");
  out.ok("root", encode_marker({sample_volume(), sample_directory(), {}}, keys.marker_mac()));
  out.resized("cut", 95, "damaged directory marker: the size");
  out.resized("longer", 97, "damaged directory marker: the size");
  out.resized("empty", 0, "damaged directory marker: the size");
  out.flipped("magic", 6, "damaged directory marker: wrong magic");
  out.patched("version-2", 8, {2}, "unsupported directory marker: format version 2");
  out.patched("reserved", 10, {1}, "damaged directory marker: reserved");
  out.flipped("volume-id-bit", 16, "damaged directory marker: the volume id");
  out.flipped("directory-id-bit", 32, "damaged directory marker: MAC");
  out.flipped("parent-id-bit", 63, "damaged directory marker: MAC");
  out.flipped("mac-bit", 64, "damaged directory marker: MAC");
  out.write(directory);
}

Bytes sealed_special(const Special& special) {
  SeededEntropy entropy(7);
  return seal_special(special, sample_keys(), entropy);
}

void write_specials(const std::string& directory) {
  VectorWriter out("special", {}, sealed_special(sample_symlink()));
  out.ok("symlink");
  Special special = sample_device();
  out.ok("character-device", sealed_special(special));
  special.kind = SpecialKind::kBlockDevice;
  out.ok("block-device", sealed_special(special));
  special.kind = SpecialKind::kFifo;
  out.ok("fifo", sealed_special(special));
  special.kind = SpecialKind::kSocket;
  out.ok("socket", sealed_special(special));
  special = sample_symlink();
  special.target = std::string(4095, 't');
  out.ok("longest-symlink", sealed_special(special));
  out.resized("size-of-no-kind", 4069, "damaged special object: no special object has this size");
  out.resized("size-of-a-fifo", 4065, "damaged special object: the kind");
  out.resized("cut-to-an-empty-file", 0, "damaged special object: no special object has this size");
  out.flipped("magic", 0, "damaged special object: wrong magic");
  out.patched("version-2", 8, {2}, "unsupported special object: format version 2");
  out.flipped("kind-bit", 10, "damaged special object: the kind");
  out.patched("reserved", 12, {1}, "damaged special object: reserved");
  out.flipped("volume-id-bit", 16, "damaged special object: the volume id");
  out.flipped("file-id-bit", 32, "damaged special object: the content does not verify");
  out.flipped("nonce-bit", 48, "damaged special object: the content does not verify");
  out.flipped("tag-bit", 60, "damaged special object: the content does not verify");
  out.flipped("ciphertext-bit", 76, "damaged special object: the content does not verify");
  out.refused("empty-target-sealed", seal_any_special(4064, 4064, {}),
              "damaged special object: the symlink's target");
  out.refused("target-length-65535-sealed", seal_any_special(4064, 4064, Bytes{0xff, 0xff, 'a'}),
              "damaged special object: the symlink's target");
  out.refused("nul-in-target-sealed", seal_any_special(4064, 4064, Bytes{3, 0, 'a', 0, 'b'}),
              "damaged special object: the symlink's target");
  out.refused("padding-sealed", seal_any_special(4065, 4065, Bytes{1}), "damaged special object: padding");
  Bytes too_roomy(4000);
  too_roomy[0] = 1;
  too_roomy[2] = 'a';
  out.refused("long-form-of-a-short-target-sealed", seal_any_special(4064, 4064, too_roomy),
              "damaged special object: the symlink's target has a shorter form");
  out.write(directory);
}

std::string forged_name(std::string_view plain) {
  return to_base64url(sample_keys().names().seal(sample_directory().bytes, as_bytes(plain)));
}

void write_names(const std::string& directory) {
  const std::string base = forged_name("report.txt");
  VectorWriter out("name", {{"directory", sample_directory().hex()}}, as_bytes(base));
  out.ok("short");
  out.ok("one-byte", as_bytes(forged_name("n")));
  out.ok("175-bytes", as_bytes(forged_name(std::string(175, 'n'))));
  const auto forged = [&](const std::string& name, std::string_view plain, const std::string& expect) {
    out.refused(name, as_bytes(forged_name(plain)), "damaged encrypted name: " + expect);
  };
  forged("dot-sealed", ".", "decrypts to what is no file name");
  forged("dot-dot-sealed", "..", "decrypts to what is no file name");
  forged("slash-sealed", "a/b", "decrypts to what is no file name");
  forged("parent-path-sealed", "../x", "decrypts to what is no file name");
  forged("nul-sealed", std::string_view("a\0b", 3), "decrypts to what is no file name");
  forged("176-bytes-sealed", std::string(176, 'n'), "is not base64url of 17 to 191 bytes");
  out.refused("tag-alone", as_bytes(to_base64url(Bytes(16, 5))), "damaged encrypted name: is not base64url");
  out.refused("padded", as_bytes(base + "="), "damaged encrypted name: is not base64url");
  out.refused("another-alphabet", as_bytes("+" + base.substr(1)), "damaged encrypted name: is not base64url");
  out.refused("cut", as_bytes(base.substr(0, base.size() - 3)), "damaged encrypted name: does not verify");
  out.patched("changed", 0, {static_cast<std::uint8_t>(base[0] == 'A' ? 'B' : 'A')},
              "damaged encrypted name: does not verify");
  out.refused("another-directory", as_bytes(base), "damaged encrypted name: does not verify",
              {{"directory", other_directory().hex()}});
  out.write(directory);
}

void write_sidecars(const std::string& directory) {
  const VolumeKeys keys = sample_keys();
  const LowerName base = encrypt_name(keys.names(), sample_directory(), std::string(200, 'n'));
  VectorWriter out("sidecar", {{"directory", sample_directory().hex()}, {"lower", base.name}}, base.sidecar);
  out.ok("200-bytes");
  const auto sealed = [&](std::string_view plain) {
    return keys.names().seal(sample_directory().bytes, as_bytes(plain));
  };
  const auto lower = [](ByteSpan sidecar) {
    return Fields{{"lower", "enfold.long." + to_base64url(sha256({sidecar}))}};
  };
  const Bytes shortest = sealed(std::string(176, 'n'));
  const Bytes longest = sealed(std::string(255, 'n'));
  out.ok("176-bytes", shortest, lower(shortest));
  out.ok("255-bytes", longest, lower(longest));
  const Bytes too_short = sealed(std::string(175, 'n'));
  const Bytes too_long = sealed(std::string(256, 'n'));
  const Bytes slashes = sealed(std::string(200, '/'));
  out.refused("175-bytes-sealed", too_short, "damaged sidecar: the size", lower(too_short));
  out.refused("256-bytes-sealed", too_long, "damaged sidecar: the size", lower(too_long));
  out.refused("slashes-sealed", slashes, "damaged encrypted name: decrypts to what is no", lower(slashes));
  out.resized("empty", 0, "damaged sidecar: the size");
  out.flipped("bit", 0, "damaged sidecar: is not the one");
  out.refused("another-names", shortest, "damaged sidecar: is not the one");
  out.refused("another-directory", base.sidecar, "damaged encrypted name: does not verify",
              {{"directory", other_directory().hex()}});
  out.write(directory);
}

void write_xattr_names(const std::string& directory) {
  const VolumeKeys keys = sample_keys();
  const Siv names(keys.xattr_names(sample_file()).expose());
  const auto sealed = [&](std::string_view plain) {
    return "user.enfold." + to_base64url(names.seal(sample_file().bytes, as_bytes(plain)));
  };
  const std::string base = sealed("user.comment");
  VectorWriter out("xattr-name", {{"owner", sample_file().hex()}}, as_bytes(base));
  out.ok("user");
  out.ok("trusted", as_bytes(sealed("trusted.overlay.opaque")));
  out.ok("166-bytes", as_bytes(sealed("user." + std::string(161, 'n'))));
  out.refused("security-sealed", as_bytes(sealed("security.capability")),
              "damaged xattr name: decrypts to what");
  out.refused("empty-user-sealed", as_bytes(sealed("user.")), "damaged xattr name: decrypts to what");
  out.refused("nul-sealed", as_bytes(sealed(std::string_view("user.a\0b", 8))),
              "damaged xattr name: decrypts to what");
  out.refused("no-prefix", as_bytes("user.comment"), "damaged xattr name: is not the prefix");
  out.refused("another-alphabet", as_bytes("user.enfold.++++"), "damaged xattr name: is not the prefix");
  out.refused("over-255-bytes", as_bytes("user.enfold." + std::string(244, 'A')),
              "damaged xattr name: is not the prefix");
  out.refused("another-owner", as_bytes(base), "damaged xattr name: does not verify",
              {{"owner", other_file().hex()}});
  out.refused("a-file-name", as_bytes("user.enfold." + forged_name("user.comment")),
              "damaged xattr name: does not verify");
  out.write(directory);
}

void write_xattr_values(const std::string& directory) {
  const VolumeKeys keys = sample_keys();
  const XattrCodec codec(keys, sample_file());
  SeededEntropy entropy(8);
  const Bytes base = codec.seal_value("user.comment", as_bytes("a value"), entropy);
  VectorWriter out("xattr-value", {{"owner", sample_file().hex()}, {"name", "user.comment"}}, base);
  out.ok("seven-bytes");
  out.ok("empty", codec.seal_value("user.comment", {}, entropy));
  out.resized("cut-into-the-tag", 27, "damaged xattr value: is shorter than 28 bytes");
  out.resized("cut", base.size() - 1, "damaged xattr value: does not verify");
  out.resized("longer", base.size() + 1, "damaged xattr value: does not verify");
  out.flipped("nonce-bit", 0, "damaged xattr value: does not verify");
  out.flipped("tag-bit", 12, "damaged xattr value: does not verify");
  out.flipped("ciphertext-bit", 28, "damaged xattr value: does not verify");
  out.refused("another-name", base, "damaged xattr value: does not verify", {{"name", "user.other"}});
  out.refused("another-owner", base, "damaged xattr value: does not verify", {{"owner", other_file().hex()}});
  out.write(directory);
}

}  // namespace
}  // namespace enfold::format_test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: format_make_vectors DIRECTORY\n";
    return 2;
  }
  using Writer = void (*)(const std::string&);
  for (const Writer write : {enfold::format_test::write_keys, enfold::format_test::write_sectors,
                             enfold::format_test::write_headers, enfold::format_test::write_configs,
                             enfold::format_test::write_markers, enfold::format_test::write_specials,
                             enfold::format_test::write_names, enfold::format_test::write_sidecars,
                             enfold::format_test::write_xattr_names, enfold::format_test::write_xattr_values})
    write(argv[1]);
  return 0;
}
