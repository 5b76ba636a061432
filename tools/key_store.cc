#include "tools/key_store.h"

#include "kms/store/store_admin.h"

namespace enfold {

Result<OpenedStore> open_or_make_store(const std::string& directory, const std::string& root_key,
                                       ToolPassphrase& passphrase) {
  auto engine = open_embedded_engine(directory, passphrase);
  if (engine && !root_key.empty())
    return make_error(
        Errc::kInvalidArgument,
        directory + ": the store is there already and keeps its root key; leave --root-key away");
  if (engine) return OpenedStore{std::move(*engine), false};
  if (engine.error().code != Errc::kStoreMissing) return std::unexpected(std::move(engine).error());
  ENFOLD_TRY_ASSIGN(const RootKeyChoice choice,
                    parse_root_key_choice(root_key.empty() ? "generated" : root_key));
  passphrase.confirm();
  ENFOLD_TRY(create_store(directory, choice, passphrase));
  ENFOLD_TRY_ASSIGN(auto made, open_embedded_engine(directory, passphrase));
  return OpenedStore{std::move(made), true};
}

std::string backup_advice(const std::string& directory) {
  return "The key store " + directory +
         " (keys: kms.db, root key: root.key) opens what is under its keys: who loses it\n"
         "loses every file. Back it up now: enfold key export-store FILE --kms embedded:" +
         directory;
}

}  // namespace enfold
