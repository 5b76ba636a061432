#include "tests/volume/rekey_support.h"

#include "fs/volume/key_cache.h"

namespace enfold {

namespace stdfs = std::filesystem;

namespace {

void add_recipients(const Result<std::optional<Envelope>>& slot, std::vector<Recipient>& out) {
  if (slot && *slot) std::ranges::copy((*slot)->recipients, std::back_inserter(out));
}

void for_lower_files(const stdfs::path& lower, const std::function<void(const std::string&)>& act) {
  for (const auto& entry : stdfs::recursive_directory_iterator(lower))
    if (entry.is_regular_file()) act(slurp(entry.path()));
}

}  // namespace

std::vector<Recipient> recipients_below(const stdfs::path& lower) {
  std::vector<Recipient> out;
  for_lower_files(lower, [&](const std::string& bytes) {
    if (bytes.size() == kConfigBytes)
      for (const std::size_t offset : kConfigSlotOffset)
        add_recipients(decode_slot_unverified(as_bytes(bytes).subspan(offset).first<kSlotBytes>()), out);
    if (bytes.size() < kPageBytes) return;
    for (const std::size_t offset : kSlotOffset)
      add_recipients(decode_slot_unverified(as_bytes(bytes).subspan(offset).first<kSlotBytes>()), out);
  });
  return out;
}

std::vector<std::string> wrapped_below(const stdfs::path& lower) {
  std::vector<std::string> out;
  for (const Recipient& recipient : recipients_below(lower))
    out.emplace_back(recipient.ciphertext.begin(), recipient.ciphertext.end());
  return out;
}

std::vector<std::string> still_below(const stdfs::path& lower, const std::vector<std::string>& wrapped) {
  std::vector<std::string> out;
  for_lower_files(lower, [&](const std::string& bytes) {
    for (const std::string& blob : wrapped)
      if (bytes.find(blob) != std::string::npos) out.push_back(blob);
  });
  return out;
}

HeaderPage header_page_of(const stdfs::path& file) {
  HeaderPage page{};
  const std::string bytes = slurp(file);
  EXPECT_GE(bytes.size(), page.size()) << file;
  if (bytes.size() >= page.size()) std::ranges::copy(as_bytes(bytes).first(page.size()), page.begin());
  return page;
}

// Nothing is open yet that holds on to the cache.
RekeyWorld::RekeyWorld(std::uint64_t salt) : TreeWorld(salt) {
  std::destroy_at(&cache);
  std::construct_at(&cache, routes, keys, clock, entropy, kFakeKeyArn, KeyCache::Limits{});
}

Result<RekeyCounts> RekeyWorld::rekey_files(const RekeyTarget& target, unsigned jobs) {
  cache.wrap_under(target.key_arn);
  const auto pass = tree().rekey(jobs, log);
  do {
    ENFOLD_TRY(pass->run(target));
  } while (pass->found_work());
  return pass->counts();
}

void RekeyWorld::make_config() {
  auto wrapped = kms.encrypt(kFakeKeyArn, format_test::sample_secret(), volume_secret_context(keys.volume()));
  ASSERT_TRUE(is_ok(wrapped));
  const Recipient recipient{Provider::kAwsKms, kFakeKeyArn, *wrapped, kms.material(kFakeKeyArn)};
  auto file = encode_config({keys.volume(), {1, {recipient}}, {}}, keys);
  ASSERT_TRUE(is_ok(file));
  spill(lower("") / kConfigName, as_string(*file));
  pins = {{{kFakeKeyArn, kFirstKms}, {}, false}};
}

ConfigFile RekeyWorld::config() {
  ConfigFile out{};
  const std::string bytes = slurp(lower("") / kConfigName);
  EXPECT_EQ(bytes.size(), out.size());
  std::ranges::copy(as_bytes(bytes), out.begin());
  return out;
}

Result<RekeyReport> RekeyWorld::rekey(const RekeyRequest& request) {
  const std::string root_path = lower_root();
  ENFOLD_TRY_ASSIGN(const Fd root, files.open_at(AT_FDCWD, root_path, O_RDONLY | O_DIRECTORY, 0));
  RekeyParts parts{
      files,           root.get(),         root_path, keys, routes, cache, tree(), context.read_only,
      pins.back().key, pins.back().former, {},        {}};
  parts.pin = [this](const KeyHome& key, std::vector<KeyHome> former, bool rekeying) -> Result<void> {
    const PinnedKeys next{key, std::move(former), rekeying};
    ENFOLD_TRY(before_pin(next));
    pins.push_back(next);
    return {};
  };
  parts.open_kms = [this](const std::string& url) -> Result<KmsRoutes::Service> {
    opened_kms.push_back(url);
    if (url != kFirstKms && url != kSecondKms) return make_error(Errc::kStoreMissing, url + ": no store");
    return KmsRoutes::Service(std::shared_ptr<void>(), url == kFirstKms ? &first : &second);
  };
  return rekey_volume(std::move(parts), request, log);
}

Header RekeyWorld::header(const std::string& path) {
  auto decoded = decode_header(header_page_of(lower(path)), keys);
  EXPECT_TRUE(is_ok(decoded)) << path;
  return decoded ? std::move(*decoded) : Header{};
}

void RekeyWorld::put_page(const std::string& path, const HeaderPage& page) {
  std::string bytes = slurp(lower(path));
  bytes.replace(0, page.size(), as_string(page));
  spill(lower(path), bytes);
}

void RekeyWorld::leave_two_slots(const std::string& path, const std::string& key_arn) {
  HeaderPage page = header_page_of(lower(path));
  const Header now = header(path);
  const EncryptionContext bound = file_key_context(keys.volume(), now.prefix.file);
  std::array<std::uint8_t, 32> plain{};
  const Recipient& from = now.envelope.recipients.front();
  ASSERT_TRUE(is_ok(kms.decrypt(from.key_arn, from.ciphertext, bound, plain)));
  auto wrapped = kms.encrypt(key_arn, plain, bound);
  ASSERT_TRUE(is_ok(wrapped));
  const Envelope newer{now.envelope.generation + 1,
                       {{Provider::kAwsKms, key_arn, *wrapped, kms.material(key_arn)}}};
  const std::uint8_t spare = 1 - now.slot_index;
  ASSERT_TRUE(is_ok(encode_slot(
      newer, {prefix_of(std::as_const(page)), spare, keys.slot_mac(now.prefix.file)}, slot_of(page, spare))));
  put_page(path, page);
}

}  // namespace enfold
