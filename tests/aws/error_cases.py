"""Requests that are refused, and how: (operation, parameters, class of the error, message).

Texts may name what errors_test.World has made: {key} and {arn} of an enabled key, {disabled...}, {pending...} and
{other...} of more, "<blob>" and "<blob of other>" for ciphertexts of the context {"a": "b"}. A message of None: AWS
sends none; of `...`: any. BOTH are for every client, YOUNG for those that know what is younger than Debian's boto3.
"""

ABSENT = "00000000-0000-4000-8000-000000000000"
MRK = "mrk-0123456789abcdef0123456789abcde"  # a digit short
ALIAS_RULE = ('Alias must start with the prefix "alias/". Please see '
              "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
NO_ALIASES = "Key Aliases are not supported for this operation"
WINDOW_RULE = "PendingWindowInDays must be between 7 and 30"
NO_KEY = "Key 'arn:aws:kms:{region}:{account}:key/" + ABSENT + "' does not exist"
NOT_FOUND, INVALID = "NotFoundException", "ValidationException"


def one(path, constraint, value=None):
    """The message of one failed check. Without a value: of bytes, which are not repeated."""
    echo = "" if value is None else f" '{value}'"
    return (f"1 validation error detected: Value{echo} at '{path}' failed to satisfy constraint: "
            f"Member must {constraint}")


def too_long(path, most, value=None):
    return one(path, f"have length less than or equal to {most}", value)


def at_most(path, most, value):
    return one(path, f"have value less than or equal to {most}", value)


def at_least(path, least, value):
    return one(path, f"have value greater than or equal to {least}", value)


RESOLUTION = [
    ("DescribeKey", {"KeyId": ABSENT}, NOT_FOUND, NO_KEY),
    ("Encrypt", {"KeyId": ABSENT, "Plaintext": b"x"}, NOT_FOUND, NO_KEY),
    ("DescribeKey", {"KeyId": "x"}, NOT_FOUND, "Invalid keyId 'x'"),
    ("EnableKey", {"KeyId": "x"}, NOT_FOUND, "Invalid keyId 'x'"),
    ("DescribeKey", {"KeyId": MRK}, NOT_FOUND, f"Invalid keyId '{MRK}'"),
    ("DescribeKey", {"KeyId": "arn:aws:kms:us-east-1:{account}:key/{key}"}, NOT_FOUND, "Invalid arn us-east-1"),
    ("Decrypt", {"KeyId": "arn:aws:kms:us-east-1:{account}:key/{key}", "CiphertextBlob": "<blob>"}, NOT_FOUND,
     "Invalid arn us-east-1"),
    ("DescribeKey", {"KeyId": "alias/absent"}, NOT_FOUND,
     "Alias arn:aws:kms:{region}:{account}:alias/absent is not found."),
    ("GenerateDataKey", {"KeyId": "arn:aws:kms:{region}:{account}:alias/absent", "KeySpec": "AES_256"}, NOT_FOUND,
     "Alias arn:aws:kms:{region}:{account}:alias/absent is not found."),
    ("DeleteAlias", {"AliasName": "alias/absent"}, NOT_FOUND,
     "Alias arn:aws:kms:{region}:{account}:alias/absent is not found."),
    ("UpdateAlias", {"AliasName": "alias/absent", "TargetKeyId": "{key}"}, NOT_FOUND,
     "Alias arn:aws:kms:{region}:{account}:alias/absent is not found."),
    ("CreateAlias", {"AliasName": "alias/new", "TargetKeyId": ABSENT}, NOT_FOUND, NO_KEY),
]

# Management calls take an id or an ARN, never an alias.
MANAGEMENT = [
    (operation, {"KeyId": name} | more, error, message)
    for name, error, message in (
        ("alias/one", NOT_FOUND, "Invalid keyId 'alias/one'"),
        ("arn:aws:kms:{region}:{account}:alias/one", "InvalidArnException", NO_ALIASES))
    for operation, more in (
        ("EnableKey", {}), ("DisableKey", {}), ("UpdateKeyDescription", {"Description": "x"}),
        ("TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}), ("UntagResource", {"TagKeys": ["a"]}),
        ("ListResourceTags", {}), ("EnableKeyRotation", {}), ("DisableKeyRotation", {}), ("GetKeyRotationStatus", {}),
        ("ScheduleKeyDeletion", {}), ("CancelKeyDeletion", {}),
    )
]

STATES = [
    ("Encrypt", {"KeyId": "{disabled}", "Plaintext": b"x"}, "DisabledException", "{disabled_arn} is disabled."),
    ("EnableKeyRotation", {"KeyId": "{disabled}"}, "DisabledException", "{disabled_arn} is disabled."),
    ("GenerateDataKey", {"KeyId": "{pending}", "KeySpec": "AES_256"}, "KMSInvalidStateException",
     "{pending_arn} is pending deletion."),
    ("CancelKeyDeletion", {"KeyId": "{key}"}, "KMSInvalidStateException", "{arn} is not pending deletion."),
]

CRYPTOGRAPHY = [
    ("Decrypt", {"CiphertextBlob": "<blob>"}, "InvalidCiphertextException", None),
    ("Decrypt", {"CiphertextBlob": "<blob>", "EncryptionContext": {"A": "b"}}, "InvalidCiphertextException", None),
    ("Decrypt", {"CiphertextBlob": "<blob>", "EncryptionContext": {"ab": ""}}, "InvalidCiphertextException", None),
    ("Decrypt", {"CiphertextBlob": b"no ciphertext"}, "InvalidCiphertextException", None),
    ("ReEncrypt", {"CiphertextBlob": "<blob>", "DestinationKeyId": "{key}"}, "InvalidCiphertextException", None),
    ("Decrypt", {"CiphertextBlob": "<blob>", "EncryptionContext": {"a": "b"}, "KeyId": "{other}"},
     "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."),
    ("ReEncrypt", {"CiphertextBlob": "<blob>", "SourceEncryptionContext": {"a": "b"}, "SourceKeyId": "{other}",
                   "DestinationKeyId": "{key}"},
     "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."),
    ("Encrypt", {"KeyId": "{key}", "Plaintext": b"x", "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"},
     "InvalidKeyUsageException", "Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT."),
]

CLASSES = [
    ("CreateAlias", {"AliasName": "alias/one", "TargetKeyId": "{other}"}, "AlreadyExistsException",
     "An alias with the name arn:aws:kms:{region}:{account}:alias/one already exists"),
    ("CreateAlias", {"AliasName": "one", "TargetKeyId": "{key}"}, INVALID, ALIAS_RULE),
    ("UpdateAlias", {"AliasName": "one", "TargetKeyId": "{key}"}, INVALID, ALIAS_RULE),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]},
     "TagException", "Duplicate tag keys"),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": f"k{n}", "TagValue": ""} for n in range(51)]},
     "TagException", "Too many tags"),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": "AwS:x", "TagValue": ""}]}, "TagException",
     "Tags beginning with aws: are reserved"),
    ("CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]}, "TagException",
     "Duplicate tag keys"),
    ("Encrypt", {"KeyId": "{key}", "Plaintext": b"x", "GrantTokens": ["unknown"]}, "InvalidGrantTokenException", ...),
    ("CreateAlias", {"AliasName": "alias/aws/mine", "TargetKeyId": "{key}"}, ..., ...),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": "a&b", "TagValue": ""}]}, "TagException", "Invalid tag"),
    ("CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "My & My Team"}]}, "TagException", "Invalid tag"),
    ("CreateAlias", {"AliasName": "alias/a:b", "TargetKeyId": "{key}"}, ..., ...),
    ("ListKeys", {"Marker": "none of ours"}, "InvalidMarkerException", ...),
    ("ListKeys", {"Marker": " ~\u0080\u00ff"}, "InvalidMarkerException", ...),
    ("CreateKey", {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", ...),
    ("CreateKey", {"Origin": "EXTERNAL"}, "UnsupportedOperationException", ...),
    ("CreateKey", {"MultiRegion": True}, "UnsupportedOperationException", ...),
    ("Sign", {"KeyId": "{key}", "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}, "UnsupportedOperationException",
     ...),
    ("CreateGrant", {"KeyId": "{key}", "GranteePrincipal": "x", "Operations": ["Decrypt"]},
     "UnsupportedOperationException", ...),
    ("GetKeyPolicy", {"KeyId": "{key}", "PolicyName": "default"}, "UnsupportedOperationException", ...),
]

VALUES = [
    ("GenerateRandom", {"NumberOfBytes": 1025}, INVALID, at_most("numberOfBytes", 1024, 1025)),
    ("GenerateRandom", {"NumberOfBytes": 0}, INVALID, at_least("numberOfBytes", 1, 0)),
    ("GenerateRandom", {}, INVALID, "NumberOfBytes is required."),
    ("GenerateDataKey", {"KeyId": "{key}", "NumberOfBytes": 1025}, INVALID, at_most("numberOfBytes", 1024, 1025)),
    ("GenerateDataKey", {"KeyId": "{key}", "KeySpec": "AES_512"}, INVALID, ...),
    ("GenerateDataKey", {"KeyId": "{key}"}, INVALID, ...),
    ("GenerateDataKey", {"KeyId": "{key}", "KeySpec": "AES_256", "NumberOfBytes": 32}, INVALID, ...),
    ("Encrypt", {"KeyId": "{key}", "Plaintext": bytes(4097)}, INVALID, too_long("plaintext", 4096)),
    ("Encrypt", {"KeyId": "{key}", "Plaintext": b""}, INVALID,
     one("plaintext", "have length greater than or equal to 1")),
    ("Decrypt", {"CiphertextBlob": bytes(6145)}, INVALID, too_long("ciphertextBlob", 6144)),
    ("ReEncrypt", {"CiphertextBlob": bytes(6145), "DestinationKeyId": "{key}"}, INVALID,
     too_long("ciphertextBlob", 6144)),
    ("DescribeKey", {"KeyId": ""}, INVALID, one("keyId", "have length greater than or equal to 1", "")),
    ("DescribeKey", {"KeyId": "k" * 2049}, INVALID, ...),
    ("ScheduleKeyDeletion", {"KeyId": "{key}", "PendingWindowInDays": 0}, INVALID,
     at_least("pendingWindowInDays", 1, 0)),
    ("ScheduleKeyDeletion", {"KeyId": "{key}", "PendingWindowInDays": 6}, INVALID, WINDOW_RULE),
    ("ScheduleKeyDeletion", {"KeyId": "{key}", "PendingWindowInDays": 31}, INVALID, WINDOW_RULE),
    ("ScheduleKeyDeletion", {"KeyId": "{key}", "PendingWindowInDays": 366}, INVALID,
     at_most("pendingWindowInDays", 365, 366)),
    ("ListKeys", {"Limit": 0}, INVALID, at_least("limit", 1, 0)),
    ("ListKeys", {"Limit": 1001}, INVALID, at_most("limit", 1000, 1001)),
    ("ListAliases", {"Limit": 1001}, INVALID, at_most("limit", 1000, 1001)),
    ("ListResourceTags", {"KeyId": "{key}", "Limit": 51}, INVALID, at_most("limit", 50, 51)),
    ("ListKeys", {"Marker": "m" * 1025}, INVALID, ...),
    ("ListKeys", {"Marker": "a\u4e2d"}, INVALID,
     one("marker", "satisfy regular expression pattern: [\\u0020-\\u00FF]*", "a\u4e2d")),
    ("ListAliases", {"Marker": "\n"}, INVALID,
     one("marker", "satisfy regular expression pattern: [\\u0020-\\u00FF]*", "\n")),
    ("UpdateKeyDescription", {"KeyId": "{key}", "Description": "d" * 8193}, INVALID, ...),
    ("CreateKey", {"Description": "d" * 8193}, INVALID, ...),
    ("CreateAlias", {"AliasName": "alias/", "TargetKeyId": "{key}"}, INVALID, ...),
    ("CreateAlias", {"AliasName": "alias/a b", "TargetKeyId": "{key}"}, INVALID,
     one("aliasName", "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$", "alias/a b")),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "", "TagValue": ""}]},
     INVALID, one("tags.2.member.tagKey", "have length greater than or equal to 1", "")),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": "k" * 129, "TagValue": ""}]}, INVALID,
     too_long("tags.1.member.tagKey", 128, "k" * 129)),
    ("TagResource", {"KeyId": "{key}", "Tags": [{"TagKey": "k", "TagValue": "v" * 257}]}, INVALID, ...),
    ("Encrypt", {"KeyId": "{key}", "Plaintext": b"x", "EncryptionAlgorithm": "ROT13"}, INVALID, ...),
    ("Encrypt", {"KeyId": "{key}", "Plaintext": b"x", "GrantTokens": ["t"] * 11}, INVALID, ...),
]

BOTH = RESOLUTION + MANAGEMENT + STATES + CRYPTOGRAPHY + CLASSES + VALUES

YOUNG = [
    ("EnableKeyRotation", {"KeyId": "{key}", "RotationPeriodInDays": 89}, INVALID,
     at_least("rotationPeriodInDays", 90, 89)),
    ("EnableKeyRotation", {"KeyId": "{key}", "RotationPeriodInDays": 2561}, INVALID,
     at_most("rotationPeriodInDays", 2560, 2561)),
    ("RotateKeyOnDemand", {"KeyId": "{disabled}"}, "DisabledException", "{disabled_arn} is disabled."),
    ("RotateKeyOnDemand", {"KeyId": "alias/one"}, NOT_FOUND, "Invalid keyId 'alias/one'"),
    ("ListKeyRotations", {"KeyId": "alias/one"}, NOT_FOUND, "Invalid keyId 'alias/one'"),
    ("ListKeyRotations", {"KeyId": "arn:aws:kms:{region}:{account}:alias/one"}, "InvalidArnException", NO_ALIASES),
    ("ListKeyRotations", {"KeyId": "{key}", "Limit": 1001}, INVALID, at_most("limit", 1000, 1001)),
    ("ListKeyRotations", {"KeyId": "{key}", "Marker": "none of ours"}, "InvalidMarkerException", ...),
    ("ListKeyRotations", {"KeyId": "{key}", "IncludeKeyMaterial": "SOME"}, INVALID, ...),
    ("Decrypt", {"CiphertextBlob": "<blob>", "DryRun": True}, "InvalidCiphertextException", None),
]
