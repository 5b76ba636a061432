"""Every operation by boto3 and by the JavaScript SDK: the members of the answers, their types and values."""

import datetime
import time

import daemon
from daemon import ACCOUNT, REGION

UUID = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"
CONTEXT = {"fs": "demo", "inode": "42", "naïve ☃": ""}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Operations:
    """For both clients; each test makes its own keys in a daemon of its own."""

    client = None

    def setUp(self):
        super().setUp()
        self.client = self.make_client()

    def arn(self, key_id, region=REGION, account=ACCOUNT):
        return f"arn:aws:kms:{region}:{account}:key/{key_id}"

    def assert_lately(self, when, after_days=0.0):
        self.assertLess(abs((when - now()).total_seconds() - after_days * 86400), 300, when)

    def test_create_key_answers_all_of_its_metadata(self):
        made = self.new_key(self.client, Description="for tests", Tags=[{"TagKey": "a", "TagValue": ""}])

        self.assertRegex(made["KeyId"], UUID)
        self.assert_lately(made["CreationDate"])
        material = made.pop("CurrentKeyMaterialId", None)
        self.assertEqual(material is not None, self.client.name != "boto3")
        self.assertEqual(made, {
            "AWSAccountId": ACCOUNT, "KeyId": made["KeyId"], "Arn": self.arn(made["KeyId"]),
            "CreationDate": made["CreationDate"], "Enabled": True, "Description": "for tests",
            "KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "Enabled", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "MultiRegion": False})

    def test_create_key_takes_the_defaults_when_they_are_said(self):
        said = self.new_key(self.client, KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT", Origin="AWS_KMS",
                            MultiRegion=False, BypassPolicyLockoutSafetyCheck=False)
        old_name = self.new_key(self.client, CustomerMasterKeySpec="SYMMETRIC_DEFAULT")
        self.assertEqual((said["Description"], old_name["KeySpec"]), ("", "SYMMETRIC_DEFAULT"))

    def test_describe_key_takes_the_four_forms_of_an_identifier(self):
        made = self.new_key(self.client)
        self.client.call("CreateAlias", AliasName="alias/one", TargetKeyId=made["KeyId"])
        for name in (made["KeyId"], made["Arn"], "alias/one", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/one"):
            self.assertEqual(self.client.call("DescribeKey", KeyId=name), {"KeyMetadata": made})

    def test_list_keys(self):
        self.assertEqual(self.client.call("ListKeys"), {"Keys": [], "Truncated": False})
        made = self.new_key(self.client)
        self.assertEqual(self.client.call("ListKeys"),
                         {"Keys": [{"KeyId": made["KeyId"], "KeyArn": made["Arn"]}], "Truncated": False})

    def test_enable_and_disable_key(self):
        made = self.new_key(self.client)
        for operation, state in (("DisableKey", "Disabled"), ("DisableKey", "Disabled"), ("EnableKey", "Enabled")):
            self.assertEqual(self.client.call(operation, KeyId=made["Arn"]), {})
            described = self.client.call("DescribeKey", KeyId=made["KeyId"])["KeyMetadata"]
            self.assertEqual((described["KeyState"], described["Enabled"]), (state, state == "Enabled"))

    def test_update_key_description(self):
        made = self.new_key(self.client, Description="before")
        for text in ("after ☃", ""):
            self.assertEqual(self.client.call("UpdateKeyDescription", KeyId=made["KeyId"], Description=text), {})
            described = self.client.call("DescribeKey", KeyId=made["KeyId"])["KeyMetadata"]
            self.assertEqual(described["Description"], text)

    def test_tags(self):
        made = self.new_key(self.client, Tags=[{"TagKey": "b", "TagValue": "1"}])
        tags = [{"TagKey": "a", "TagValue": "é"}, {"TagKey": "b", "TagValue": "2"}]
        self.assertEqual(self.client.call("TagResource", KeyId=made["KeyId"], Tags=tags), {})
        listed = self.client.call("ListResourceTags", KeyId=made["Arn"])
        self.assertEqual(listed, {"Tags": tags, "Truncated": False})

        self.assertEqual(self.client.call("UntagResource", KeyId=made["KeyId"], TagKeys=["a", "never there"]), {})
        self.assertEqual(self.client.call("ListResourceTags", KeyId=made["KeyId"])["Tags"], tags[1:])

    def test_aliases(self):
        one, other = self.new_key(self.client), self.new_key(self.client)
        self.assertEqual(self.client.call("CreateAlias", AliasName="alias/a/b_c-D", TargetKeyId=one["Arn"]), {})
        (listed,) = self.client.call("ListAliases", KeyId=one["KeyId"])["Aliases"]
        self.assert_lately(listed["CreationDate"])
        self.assertEqual(listed, {
            "AliasName": "alias/a/b_c-D", "AliasArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/a/b_c-D",
            "TargetKeyId": one["KeyId"], "CreationDate": listed["CreationDate"],
            "LastUpdatedDate": listed["CreationDate"]})

        time.sleep(0.005)
        self.assertEqual(self.client.call("UpdateAlias", AliasName="alias/a/b_c-D", TargetKeyId=other["KeyId"]), {})
        self.assertEqual(self.client.call("ListAliases", KeyId=one["KeyId"]), {"Aliases": [], "Truncated": False})
        (moved,) = self.client.call("ListAliases", KeyId=other["KeyId"])["Aliases"]
        self.assertEqual((moved["TargetKeyId"], moved["CreationDate"]), (other["KeyId"], listed["CreationDate"]))
        self.assertGreater(moved["LastUpdatedDate"], moved["CreationDate"])

        self.assertEqual(self.client.call("DeleteAlias", AliasName="alias/a/b_c-D"), {})
        self.assertEqual(self.client.call("ListAliases", KeyId=other["KeyId"])["Aliases"], [])

    def test_describing_a_predefined_alias_makes_the_key_of_aws(self):
        made = self.client.call("DescribeKey", KeyId="alias/aws/s3")["KeyMetadata"]
        self.assertEqual((made["KeyManager"], made["KeyState"]), ("AWS", "Enabled"))
        self.assertEqual(self.client.call("DescribeKey", KeyId="alias/aws/s3")["KeyMetadata"], made)
        (alias,) = [a for a in self.client.call("ListAliases")["Aliases"] if a["AliasName"] == "alias/aws/s3"]
        self.assertEqual(alias["TargetKeyId"], made["KeyId"])

    def test_encrypt_and_decrypt(self):
        made = self.new_key(self.client)
        for plaintext in (b"x", bytes(4096), "☃".encode()):
            sealed = self.client.call("Encrypt", KeyId=made["KeyId"], Plaintext=plaintext, EncryptionContext=CONTEXT)
            blob = sealed.pop("CiphertextBlob")
            self.assertLessEqual(len(blob), 6144)
            self.assertEqual(sealed, {"KeyId": made["Arn"], "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})

            context = dict(reversed(CONTEXT.items()))
            opened = self.client.call("Decrypt", CiphertextBlob=blob, EncryptionContext=context)
            self.assert_material(opened, made, "KeyMaterialId")
            self.assertEqual(opened, {"KeyId": made["Arn"], "Plaintext": plaintext,
                                      "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})

    def assert_material(self, answer, key, *members):
        """Removes what Debian's boto3 does not know."""
        for member in members:
            if self.client.name == "boto3":
                self.assertNotIn(member, answer)
            else:
                self.assertEqual(answer.pop(member), key["CurrentKeyMaterialId"])

    def test_decrypt_takes_the_key_that_is_meant(self):
        made = self.new_key(self.client)
        self.client.call("CreateAlias", AliasName="alias/one", TargetKeyId=made["KeyId"])
        blob = self.client.call("Encrypt", KeyId="alias/one", Plaintext=b"x")["CiphertextBlob"]
        for name in (made["KeyId"], made["Arn"], "alias/one", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/one"):
            opened = self.client.call("Decrypt", CiphertextBlob=blob, KeyId=name, EncryptionContext={},
                                      EncryptionAlgorithm="SYMMETRIC_DEFAULT")
            self.assertEqual((opened["Plaintext"], opened["KeyId"]), (b"x", made["Arn"]))

    def test_re_encrypt(self):
        source, target = self.new_key(self.client), self.new_key(self.client)
        blob = self.client.call("Encrypt", KeyId=source["KeyId"], Plaintext=b"x",
                                EncryptionContext={"a": "1"})["CiphertextBlob"]
        answer = self.client.call(
            "ReEncrypt", CiphertextBlob=blob, SourceEncryptionContext={"a": "1"}, DestinationKeyId=target["KeyId"],
            DestinationEncryptionContext={"b": "2"}, SourceKeyId=source["KeyId"],
            SourceEncryptionAlgorithm="SYMMETRIC_DEFAULT", DestinationEncryptionAlgorithm="SYMMETRIC_DEFAULT")
        again = answer.pop("CiphertextBlob")
        self.assert_material(answer, source, "SourceKeyMaterialId")
        self.assert_material(answer, target, "DestinationKeyMaterialId")
        self.assertEqual(answer, {"SourceKeyId": source["Arn"], "KeyId": target["Arn"],
                                  "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                                  "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
        opened = self.client.call("Decrypt", CiphertextBlob=again, EncryptionContext={"b": "2"})
        self.assertEqual((opened["Plaintext"], opened["KeyId"]), (b"x", target["Arn"]))

    def test_generate_data_key(self):
        made = self.new_key(self.client)
        for length, said in ((32, {"KeySpec": "AES_256"}), (16, {"KeySpec": "AES_128"}), (1, {"NumberOfBytes": 1}),
                             (1024, {"NumberOfBytes": 1024})):
            answer = self.client.call("GenerateDataKey", KeyId=made["KeyId"], EncryptionContext=CONTEXT, **said)
            blob, plaintext = answer.pop("CiphertextBlob"), answer.pop("Plaintext")
            self.assertEqual(len(plaintext), length)
            self.assert_material(answer, made, "KeyMaterialId")
            self.assertEqual(answer, {"KeyId": made["Arn"]})
            opened = self.client.call("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)
            self.assertEqual(opened["Plaintext"], plaintext)

    def test_generate_data_key_without_plaintext(self):
        made = self.new_key(self.client)
        answer = self.client.call("GenerateDataKeyWithoutPlaintext", KeyId=made["KeyId"], KeySpec="AES_256",
                                  EncryptionContext=CONTEXT)
        blob = answer.pop("CiphertextBlob")
        self.assert_material(answer, made, "KeyMaterialId")
        self.assertEqual(answer, {"KeyId": made["Arn"]})
        opened = self.client.call("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)
        self.assertEqual(len(opened["Plaintext"]), 32)

    def test_generate_random(self):
        drawn = {self.client.call("GenerateRandom", NumberOfBytes=32)["Plaintext"] for _ in range(5)}
        self.assertEqual([len(one) for one in drawn], [32] * 5)
        for count in (1, 1024):
            self.assertEqual(len(self.client.call("GenerateRandom", NumberOfBytes=count)["Plaintext"]), count)

    def test_automatic_rotation_is_enabled_and_disabled(self):
        made = self.new_key(self.client)
        self.assertFalse(self.client.call("GetKeyRotationStatus", KeyId=made["KeyId"])["KeyRotationEnabled"])
        for operation, enabled in (("EnableKeyRotation", True), ("DisableKeyRotation", False)):
            self.assertEqual(self.client.call(operation, KeyId=made["Arn"]), {})
            status = self.client.call("GetKeyRotationStatus", KeyId=made["KeyId"])
            self.assertEqual(status["KeyRotationEnabled"], enabled)

    def test_deletion_is_scheduled_and_cancelled(self):
        made = self.new_key(self.client)
        for said, days in (({}, 30), ({"PendingWindowInDays": 7}, 7), ({"PendingWindowInDays": 30}, 30)):
            answer = self.client.call("ScheduleKeyDeletion", KeyId=made["KeyId"], **said)
            self.assert_lately(answer["DeletionDate"], days)
            self.assertEqual(answer, {"KeyId": made["Arn"], "DeletionDate": answer["DeletionDate"],
                                      "KeyState": "PendingDeletion", "PendingWindowInDays": days})
            described = self.client.call("DescribeKey", KeyId=made["KeyId"])["KeyMetadata"]
            self.assertEqual(described, made | {"KeyState": "PendingDeletion", "Enabled": False,
                                                "DeletionDate": answer["DeletionDate"]})

            self.assertEqual(self.client.call("CancelKeyDeletion", KeyId=made["Arn"]), {"KeyId": made["Arn"]})
            described = self.client.call("DescribeKey", KeyId=made["KeyId"])["KeyMetadata"]
            self.assertEqual(described, made | {"KeyState": "Disabled", "Enabled": False})
            self.client.call("EnableKey", KeyId=made["KeyId"])

    def test_each_answer_has_a_request_id_of_its_own(self):
        seen = set()
        for _ in range(3):
            self.client.call("ListKeys")
            self.assertRegex(self.client.request_id, UUID)
            seen.add(self.client.request_id)
        self.assertEqual(len(seen), 3)


class Boto3(Operations, daemon.KmsdTest):
    def make_client(self):
        return self.boto()


class JavaScript(Operations, daemon.KmsdTest):
    """The JavaScript SDK also knows what is younger than Debian's boto3."""

    def make_client(self):
        return self.js()

    def test_times_are_seconds_and_bytes_are_base64_in_the_json(self):
        made = self.new_key(self.client)
        raw = self.client.raw["KeyMetadata"]["CreationDate"]
        self.assertIsInstance(raw, (int, float))
        self.assertAlmostEqual(raw, made["CreationDate"].timestamp(), places=3)
        self.assertNotIn("DeletionDate", self.client.raw["KeyMetadata"])

    def test_rotation_has_a_period_and_a_next_date(self):
        made = self.new_key(self.client)
        status = {"KeyRotationEnabled": False}
        self.assertEqual(without_key_id(self.client.call("GetKeyRotationStatus", KeyId=made["KeyId"])), status)
        for said, days in (({}, 365), ({"RotationPeriodInDays": 90}, 90), ({"RotationPeriodInDays": 2560}, 2560)):
            self.client.call("EnableKeyRotation", KeyId=made["KeyId"], **said)
            status = without_key_id(self.client.call("GetKeyRotationStatus", KeyId=made["KeyId"]))
            self.assert_lately(status.pop("NextRotationDate"), days)
            self.assertEqual(status, {"KeyRotationEnabled": True, "RotationPeriodInDays": days})

    def test_rotation_on_demand_adds_material_and_keeps_the_old(self):
        made = self.new_key(self.client)
        generated = self.client.call("GenerateDataKey", KeyId=made["KeyId"], KeySpec="AES_256")
        self.assertEqual(self.client.call("RotateKeyOnDemand", KeyId=made["KeyId"]), {"KeyId": made["Arn"]})

        rotated = self.client.call("DescribeKey", KeyId=made["KeyId"])["KeyMetadata"]
        self.assertNotEqual(rotated["CurrentKeyMaterialId"], made["CurrentKeyMaterialId"])
        self.assertEqual(rotated, made | {"CurrentKeyMaterialId": rotated["CurrentKeyMaterialId"]})
        opened = self.client.call("Decrypt", CiphertextBlob=generated["CiphertextBlob"])
        self.assertEqual((opened["Plaintext"], opened["KeyMaterialId"]),
                         (generated["Plaintext"], made["CurrentKeyMaterialId"]))
        fresh = self.client.call("GenerateDataKey", KeyId=made["KeyId"], KeySpec="AES_256")
        self.assertEqual(fresh["KeyMaterialId"], rotated["CurrentKeyMaterialId"])

        (entry,) = self.client.call("ListKeyRotations", KeyId=made["KeyId"])["Rotations"]
        self.assert_lately(entry["RotationDate"])
        self.assertEqual((entry["RotationType"], entry["KeyMaterialId"]),
                         ("ON_DEMAND", rotated["CurrentKeyMaterialId"]))

    def test_list_key_rotations_names_the_first_material_when_asked_for_all(self):
        made = self.new_key(self.client)
        self.client.call("RotateKeyOnDemand", KeyId=made["KeyId"])
        listed = self.client.call("ListKeyRotations", KeyId=made["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")
        states = {entry["KeyMaterialId"]: entry["KeyMaterialState"] for entry in listed["Rotations"]}
        current = self.client.call("DescribeKey", KeyId=made["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
        self.assertEqual(states, {made["CurrentKeyMaterialId"]: "NON_CURRENT", current: "CURRENT"})
        self.assertEqual(listed["Truncated"], False)

    def test_a_dry_run_changes_and_answers_nothing(self):
        made = self.new_key(self.client)
        blob = self.client.call("Encrypt", KeyId=made["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        for operation, parameters in (
            ("Encrypt", {"KeyId": made["KeyId"], "Plaintext": b"x"}),
            ("Decrypt", {"CiphertextBlob": blob}),
            ("ReEncrypt", {"CiphertextBlob": blob, "DestinationKeyId": made["KeyId"]}),
            ("GenerateDataKey", {"KeyId": made["KeyId"], "KeySpec": "AES_256"}),
            ("GenerateDataKeyWithoutPlaintext", {"KeyId": made["KeyId"], "KeySpec": "AES_256"}),
        ):
            self.refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.",
                         self.client, operation, DryRun=True, **parameters)
            self.client.call(operation, DryRun=False, **parameters)

    def test_a_dry_run_comes_last(self):
        made = self.new_key(self.client)
        self.client.call("DisableKey", KeyId=made["KeyId"])
        self.refused("DisabledException", f"{made['Arn']} is disabled.", self.client, "Encrypt", KeyId=made["KeyId"],
                     Plaintext=b"x", DryRun=True)


def without_key_id(status):
    """Whether this is an id or an ARN in AWS's answer is not known."""
    return {name: value for name, value in status.items() if name != "KeyId"}


if __name__ == "__main__":
    daemon.main()
