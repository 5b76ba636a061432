// The services whose keys AWS manages: alias/aws/SERVICE, predefined in every account and region. DescribeKey
// makes the key of one.
#pragma once

#include <span>
#include <string_view>

#include "kms/engine/alias_row.h"

namespace enfold {

std::span<const std::string_view> aws_services();  // in order

// Of a service that has no key yet.
AliasEntry predefined_alias(const CallScope& scope, std::string_view service);

// SERVICE where `alias` is the predefined alias/aws/SERVICE; else empty.
std::string_view service_of(std::string_view alias);

}  // namespace enfold
