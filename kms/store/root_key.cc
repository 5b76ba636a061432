#include "kms/store/root_key.h"

#include <cerrno>
#include <cstdlib>

#include "kms/base/files.h"
#include "kms/crypto/sealed_box.h"
#include "kms/store/passphrase_key.h"
#include "kms/store/root_key_file.h"

namespace enfold {
namespace {

constexpr std::string_view kGenerated = "generated";
constexpr std::string_view kPassphrase = "passphrase";
constexpr std::string_view kCredentialPrefix = "credential:";

constexpr std::size_t kMinCredentialBytes = 32;
constexpr std::size_t kMaxCredentialBytes = 4096;

Result<WipedBytes> read_credential(const std::string& name) {
  const char* directory = secure_getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr)
    return make_error(Errc::kNotFound,
                      "The store's root key is sealed under the credential " + name +
                          ", but CREDENTIALS_DIRECTORY is not set: run this in a systemd unit "
                          "with LoadCredential= or LoadCredentialEncrypted=");
  PosixFiles files;
  auto content = read_file(files, AT_FDCWD, std::string(directory) + "/" + name, kMaxCredentialBytes);
  if (!content && content.error().errno_value == ENOENT)
    return make_error(Errc::kNotFound, "There is no credential " + name + " in CREDENTIALS_DIRECTORY");
  if (!content) return add_context(std::move(content).error(), "credential " + name);
  WipedBytes secret{ByteSpan(*content)};
  wipe(*content);
  if (secret.size() < kMinCredentialBytes)
    return make_error(Errc::kInvalidArgument, "The credential " + name + " has fewer than 32 bytes");
  return secret;
}

// The key under which a root key of this kind is sealed.
Result<WipedBytes> sealing_key(const RootKeyFile& file, PassphraseSource& passphrase) {
  if (file.kind == RootKeyKind::kCredential) return read_credential(file.credential_name);
  return passphrase_key(passphrase, file.salt, file.cost);
}

std::string wrong_key_message(const RootKeyFile& file) {
  if (file.kind == RootKeyKind::kCredential)
    return "The credential " + file.credential_name +
           " does not open root.key: it is another one, or root.key was "
           "changed";
  return "The passphrase does not open root.key: it is wrong, or root.key was changed";
}

}  // namespace

Result<RootKeyChoice> parse_root_key_choice(std::string_view text) {
  if (text == kGenerated) return RootKeyChoice{};
  if (text == kPassphrase) return RootKeyChoice{RootKeyKind::kPassphrase, "", {}};
  if (text.starts_with(kCredentialPrefix) && is_credential_name(text.substr(kCredentialPrefix.size())))
    return RootKeyChoice{RootKeyKind::kCredential, std::string(text.substr(kCredentialPrefix.size())), {}};
  return make_error(Errc::kInvalidArgument, "A root key is one of generated, passphrase, credential:NAME");
}

std::string text_of(const RootKeyChoice& choice) {
  if (choice.kind == RootKeyKind::kCredential) return std::string(kCredentialPrefix) + choice.credential_name;
  return std::string(choice.kind == RootKeyKind::kPassphrase ? kPassphrase : kGenerated);
}

Result<Bytes> protect_root_key(const RootKey& key, const RootKeyChoice& choice, PassphraseSource& passphrase,
                               Entropy& entropy) {
  RootKeyFile file;
  file.kind = choice.kind;
  file.cost = choice.cost;
  file.salt = random_array<32>(entropy);
  file.credential_name = choice.credential_name;
  Bytes content = encode_head(file);
  if (choice.kind == RootKeyKind::kGenerated) {
    content.insert(content.end(), key.expose().begin(), key.expose().end());
    return content;
  }
  ENFOLD_TRY_ASSIGN(WipedBytes sealing, sealing_key(file, passphrase));
  const Bytes head = content;
  append_box(Label::kKmsRootKeySeal, sealing.expose(), head, key.expose(), entropy, content);
  return content;
}

Result<RootKey> recover_root_key(ByteSpan content, PassphraseSource& passphrase) {
  ENFOLD_TRY_ASSIGN(RootKeyFile file, parse_root_key_file(content));
  if (file.kind == RootKeyKind::kGenerated) {
    RootKey key(std::span<const std::uint8_t, RootKey::kSize>(file.body));
    wipe(file.body);
    return key;
  }
  ENFOLD_TRY_ASSIGN(WipedBytes sealing, sealing_key(file, passphrase));
  std::optional<WipedBytes> opened =
      open_box(Label::kKmsRootKeySeal, sealing.expose(), {file.head}, file.body);
  if (!opened) return make_error(Errc::kWrongRootKey, wrong_key_message(file));
  return RootKey(std::span<const std::uint8_t, RootKey::kSize>(opened->expose()));
}

}  // namespace enfold
