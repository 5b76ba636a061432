"""Every class of error that the service can answer, provoked by real clients: class, HTTP status and message."""

import daemon
import error_cases
from daemon import ACCOUNT, REGION
from unix_client import ServiceError


class World:
    """The keys and ciphertexts that the cases name."""

    def __init__(self, test):
        client = test.boto()
        made = {name: test.new_key(client) for name in ("enabled", "other", "disabled", "pending")}
        client.call("CreateAlias", AliasName="alias/one", TargetKeyId=made["enabled"]["KeyId"])
        self.blobs = {f"<{name}>": client.call("Encrypt", KeyId=made[key]["KeyId"], Plaintext=b"secret",
                                               EncryptionContext={"a": "b"})["CiphertextBlob"]
                      for name, key in (("blob", "enabled"), ("blob of other", "other"))}
        client.call("DisableKey", KeyId=made["disabled"]["KeyId"])
        client.call("ScheduleKeyDeletion", KeyId=made["pending"]["KeyId"])
        self.names = {"region": REGION, "account": ACCOUNT, "key": made["enabled"]["KeyId"],
                      "arn": made["enabled"]["Arn"]}
        for name in ("other", "disabled", "pending"):
            self.names |= {name: made[name]["KeyId"], f"{name}_arn": made[name]["Arn"]}

    def fill(self, value):
        if isinstance(value, str):
            return self.blobs.get(value) or (value.format(**self.names) if "{" in value else value)
        if isinstance(value, dict):
            return {name: self.fill(member) for name, member in value.items()}
        return [self.fill(item) for item in value] if isinstance(value, list) else value


class Errors(daemon.KmsdTest):
    def setUp(self):
        super().setUp()
        self.world = World(self)

    def try_case(self, client, operation, parameters, code, message):
        parameters = self.world.fill(parameters)
        with self.assertRaises(ServiceError) as raised:
            client.call(operation, **parameters)
        error = raised.exception
        self.assertNotIn("secret", error.message)
        self.assert_error(error, error.code if code is ... else code,
                          error.message if message is ... else self.world.fill(message))
        self.assertNotIn(error.code, ("KMSInternalException", "UnknownOperationException"))

    def try_all(self, client, cases):
        for operation, parameters, code, message in cases:
            with self.subTest(operation=operation, parameters=str(parameters)[:200]):
                self.try_case(client, operation, parameters, code, message)

    def test_each_case_with_boto3(self):
        self.try_all(self.boto(), error_cases.BOTH)

    def test_each_case_with_the_javascript_sdk(self):
        self.try_all(self.js(), error_cases.BOTH + error_cases.YOUNG)

    def test_all_failed_checks_are_in_one_message(self):
        with self.assertRaises(ServiceError) as raised:
            self.boto().call("GenerateDataKey", KeyId="", NumberOfBytes=2000)
        self.assert_error(raised.exception, "ValidationException", raised.exception.message)
        self.assertRegex(raised.exception.message, "^2 validation errors detected: Value ")
        for path in ("keyId", "numberOfBytes"):
            self.assertIn(f"at '{path}' failed to satisfy constraint", raised.exception.message)

    def test_an_alias_more_than_a_key_may_have(self):
        boto = self.boto()
        key = self.new_key(boto)["KeyId"]
        for number in range(50):
            boto.call("CreateAlias", AliasName=f"alias/many-{number}", TargetKeyId=key)
        self.refused("LimitExceededException",
                     "Aliases per key quota for this account in this region is 50, current usage is 50.",
                     boto, "CreateAlias", AliasName="alias/many-50", TargetKeyId=key)

    def test_a_rotation_on_demand_more_than_a_key_may_have(self):
        js = self.js()
        key = self.new_key(js)
        for _ in range(25):
            js.call("RotateKeyOnDemand", KeyId=key["KeyId"])
        self.refused("LimitExceededException",
                     "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations "
                     f"can be performed for this key: {key['Arn']}", js, "RotateKeyOnDemand", KeyId=key["KeyId"])

    def test_a_tag_more_than_a_key_may_have_in_two_calls(self):
        boto = self.boto()
        key = self.new_key(boto, Tags=[{"TagKey": f"k{n}", "TagValue": ""} for n in range(50)])["KeyId"]
        boto.call("TagResource", KeyId=key, Tags=[{"TagKey": "k0", "TagValue": "replaced"}])
        self.refused("TagException", "Too many tags", boto, "TagResource", KeyId=key,
                     Tags=[{"TagKey": "k50", "TagValue": ""}])

    def test_a_key_of_aws_is_not_the_customers_to_manage(self):
        boto = self.boto()
        key = boto.call("DescribeKey", KeyId="alias/aws/s3")["KeyMetadata"]
        for operation, more in (("DisableKey", {}), ("ScheduleKeyDeletion", {}), ("EnableKeyRotation", {}),
                                ("UpdateKeyDescription", {"Description": "mine"}),
                                ("TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
                                ("CreateAlias", {"AliasName": "alias/mine"})):
            target = "TargetKeyId" if operation == "CreateAlias" else "KeyId"
            with self.subTest(operation=operation), self.assertRaises(ServiceError) as raised:
                boto.call(operation, **{target: key["KeyId"]}, **more)
            self.assertEqual(raised.exception.status, 400)
            self.assertNotEqual(raised.exception.code, "KMSInternalException")
        self.assertEqual(boto.call("DescribeKey", KeyId="alias/aws/s3")["KeyMetadata"], key)


if __name__ == "__main__":
    daemon.main()
