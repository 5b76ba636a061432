#include "kms/wire/aws_error.h"

#include <gtest/gtest.h>

#include "kms/wire/quote.h"

namespace enfold {
namespace {

struct Row {
  Errc code;
  const char* type;
};

TEST(AwsErrors, EachCodeOfAKeyServiceAndBack) {
  for (const Row& row : {Row{Errc::kKmsValidation, "ValidationException"},
                         {Errc::kKmsNotFound, "NotFoundException"},
                         {Errc::kKmsDisabled, "DisabledException"},
                         {Errc::kKmsInvalidState, "KMSInvalidStateException"},
                         {Errc::kKmsInvalidCiphertext, "InvalidCiphertextException"},
                         {Errc::kKmsIncorrectKey, "IncorrectKeyException"},
                         {Errc::kKmsInvalidKeyUsage, "InvalidKeyUsageException"},
                         {Errc::kKmsAlreadyExists, "AlreadyExistsException"},
                         {Errc::kKmsAccessDenied, "AccessDeniedException"},
                         {Errc::kKmsThrottled, "ThrottlingException"},
                         {Errc::kKmsLimitExceeded, "LimitExceededException"},
                         {Errc::kKmsUnsupported, "UnsupportedOperationException"},
                         {Errc::kKmsTag, "TagException"},
                         {Errc::kKmsInvalidAliasName, "InvalidAliasNameException"},
                         {Errc::kKmsInvalidArn, "InvalidArnException"},
                         {Errc::kKmsInvalidMarker, "InvalidMarkerException"},
                         {Errc::kKmsInvalidGrantToken, "InvalidGrantTokenException"},
                         {Errc::kKmsDryRun, "DryRunOperationException"},
                         {Errc::kKmsUnauthenticated, "UnrecognizedClientException"}}) {
    const AwsError error = aws_error_of({row.code, 0, "why"});
    EXPECT_EQ(error.type, row.type);
    EXPECT_EQ(error.message, "why");
    EXPECT_EQ(error.status, 400) << row.type << ": AWS's model says otherwise, AWS does not";
    EXPECT_FALSE(error.cause);
    EXPECT_EQ(name_of(error_of_answer(error).code), name_of(row.code));
    EXPECT_EQ(error_of_answer(error).message, "why");
    EXPECT_EQ(name_of(error_of_answer("com.amazonaws.kms#" + error.type + ":http://internal/", "", 404).code),
              name_of(row.code));
  }
}

TEST(AwsErrors, HideWhatIsNoAnswerOfAKeyService) {
  for (Errc code : {Errc::kSystem, Errc::kStoreTampered, Errc::kDamaged, Errc::kKmsInternal}) {
    const AwsError error = aws_error_of({code, 0, "row 12 of /var/lib"});
    EXPECT_EQ(error.type, "KMSInternalException");
    EXPECT_EQ(error.message, "");
    EXPECT_EQ(error.status, 500);
    ASSERT_TRUE(error.cause);
    EXPECT_EQ(error.cause->message, "row 12 of /var/lib");
    EXPECT_EQ(name_of(error_of_answer(error).code), name_of(code)) << "a caller in this process hears it";
  }
  EXPECT_EQ(aws_error_of({Errc::kUnsupported, 0, "newer"}).status, 400);
}

TEST(AwsErrors, OfAStoreThatIsHeldAreToBeTriedAgain) {
  const AwsError error = aws_error_of({Errc::kBusy, 0, "held"});
  EXPECT_EQ(error.type, "ThrottlingException");
  EXPECT_EQ(error.message, "held");
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(name_of(error_of_answer(error).code), "busy") << "in this process";
}

TEST(AwsErrors, WhatOthersAnswer) {
  EXPECT_EQ(name_of(error_of_answer("InvalidSignatureException", "x", 400).code), "kms-unauthenticated");
  EXPECT_EQ(name_of(error_of_answer("ExpiredTokenException", "x", 400).code), "kms-unauthenticated");
  EXPECT_EQ(name_of(error_of_answer("KeyUnavailableException", "x", 500).code), "kms-internal");
  EXPECT_EQ(name_of(error_of_answer("DependencyTimeoutException", "x", 503).code), "kms-unavailable");
  EXPECT_EQ(name_of(error_of_answer("", "", 502).code), "kms-internal");
  EXPECT_EQ(name_of(error_of_answer("NewException", "", 400).code), "kms-bad-answer");
  EXPECT_EQ(error_of_answer("NewException", "why", 418).message,
            "The key service answers 418 NewException: why");
  EXPECT_EQ(error_of_answer("a\nb", "", 418).message, "The key service answers 418");
  EXPECT_EQ(error_of_answer(std::string(5000, 'x'), "", 200).message, "The key service answers 200");
}

TEST(AwsErrors, QuoteOnlySoMuch) {
  EXPECT_EQ(quote("a'b"), "'a'b'");
  EXPECT_EQ(quote("\x01\xc3\xbc\x7f"), "'" + std::string(4, '?') + "'");
  EXPECT_EQ(quote(std::string(1000, 'x')).size(), 66U);
}

TEST(AwsErrors, MessagesAreUtf8) {
  EXPECT_EQ(valid_utf8("a\u00fc\u20ac\U0001f600"), "a\u00fc\u20ac\U0001f600");
  EXPECT_EQ(valid_utf8("cut \xe2\x82"), "cut ");
  for (const char* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf0\x80\x80\x80", "\xff"})
    EXPECT_EQ(valid_utf8(std::string("<") + bad + ">"), "<>");
}

}  // namespace
}  // namespace enfold
