// What is declared and not there yet.
#include "kms/engine/engine.h"

namespace enfold {

Result<void> Engine::update_key_description(const KmsCaller& /*caller*/, const std::string& /*key_id*/,
                                            const std::string& /*description*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::tag_resource(const KmsCaller& /*caller*/, const std::string& /*key_id*/,
                                  const std::vector<Tag>& /*tags*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::untag_resource(const KmsCaller& /*caller*/, const std::string& /*key_id*/,
                                    const std::vector<std::string>& /*tag_keys*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<ListTagsAnswer> Engine::list_resource_tags(const KmsCaller& /*caller*/, const std::string& /*key_id*/,
                                                  const PageRequest& /*page*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::create_alias(const KmsCaller& /*caller*/, const std::string& /*name*/,
                                  const std::string& /*target_key_id*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::update_alias(const KmsCaller& /*caller*/, const std::string& /*name*/,
                                  const std::string& /*target_key_id*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::delete_alias(const KmsCaller& /*caller*/, const std::string& /*name*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<ListAliasesAnswer> Engine::list_aliases(const KmsCaller& /*caller*/,
                                               const std::optional<std::string>& /*key_id*/,
                                               const PageRequest& /*page*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::enable_key_rotation(const KmsCaller& /*caller*/, const std::string& /*key_id*/,
                                         std::optional<std::int64_t> /*period_days*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<void> Engine::disable_key_rotation(const KmsCaller& /*caller*/, const std::string& /*key_id*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<RotationStatus> Engine::get_key_rotation_status(const KmsCaller& /*caller*/,
                                                       const std::string& /*key_id*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<ListRotationsAnswer> Engine::list_key_rotations(const KmsCaller& /*caller*/,
                                                       const ListRotationsRequest& /*request*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<ScheduleDeletionAnswer> Engine::schedule_key_deletion(const KmsCaller& /*caller*/,
                                                             const std::string& /*key_id*/,
                                                             std::optional<std::int64_t> /*window_days*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<std::string> Engine::cancel_key_deletion(const KmsCaller& /*caller*/, const std::string& /*key_id*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

Result<std::optional<std::int64_t>> Engine::run_due() { return make_error(Errc::kKmsUnsupported, ""); }

Result<std::vector<Result<ReEncryptAnswer>>> Engine::re_encrypt_batch(
    const KmsCaller& /*caller*/, const std::string& /*source_key_id*/,
    const std::string& /*destination_key_id*/, std::span<const BatchReEncryptEntry> /*entries*/) {
  return make_error(Errc::kKmsUnsupported, "");
}

}  // namespace enfold
