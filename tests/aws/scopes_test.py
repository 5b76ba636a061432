"""Several accounts and regions in one daemon: keys, aliases and lists of one are nothing to the others."""

import daemon
from daemon import ACCOUNT
from unix_client import ServiceError

OTHER_ACCOUNT = "444455556666"


class Scopes(daemon.KmsdTest):
    def setUp(self):
        super().setUp()
        other = self.daemon.new_principal("other", OTHER_ACCOUNT)
        self.here = self.boto("eu-central-1")
        self.elsewhere = [self.boto("us-east-1"), self.boto("eu-central-1", other), self.js("local"),
                          self.js("eu-central-1", other)]

    def test_a_key_is_found_in_its_own_account_and_region_alone(self):
        key = self.new_key(self.here)
        blob = self.here.call("Encrypt", KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        for client in self.elsewhere:
            self.assertEqual(client.call("ListKeys")["Keys"], [])
            for operation, parameters in (
                ("DescribeKey", {"KeyId": key["KeyId"]}), ("DescribeKey", {"KeyId": key["Arn"]}),
                ("DisableKey", {"KeyId": key["KeyId"]}), ("Encrypt", {"KeyId": key["Arn"], "Plaintext": b"x"}),
                ("Decrypt", {"CiphertextBlob": blob}), ("Decrypt", {"CiphertextBlob": blob, "KeyId": key["Arn"]}),
                ("ScheduleKeyDeletion", {"KeyId": key["Arn"]}),
            ):
                with self.subTest(operation=operation, parameters=parameters):
                    with self.assertRaises(ServiceError) as raised:
                        client.call(operation, **parameters)
                    self.assertIn(raised.exception.code, ("NotFoundException", "AccessDeniedException"))
                    self.assertEqual(raised.exception.status, 400)
        self.assertEqual(self.here.call("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"], key)

    def test_an_alias_is_one_of_its_account_and_region(self):
        for client in [self.here, *self.elsewhere[:3]]:
            key = self.new_key(client)["KeyId"]
            client.call("CreateAlias", AliasName="alias/same", TargetKeyId=key)
            self.assertEqual(client.call("DescribeKey", KeyId="alias/same")["KeyMetadata"]["KeyId"], key)
        same_scope = self.elsewhere[3]
        key = self.new_key(same_scope)["KeyId"]
        with self.assertRaises(ServiceError) as raised:
            same_scope.call("CreateAlias", AliasName="alias/same", TargetKeyId=key)
        self.assertEqual(raised.exception.code, "AlreadyExistsException")

    def test_an_arn_says_where_its_key_is(self):
        for client, region, account in ((self.here, "eu-central-1", ACCOUNT), (self.elsewhere[0], "us-east-1", ACCOUNT),
                                        (self.elsewhere[1], "eu-central-1", OTHER_ACCOUNT),
                                        (self.elsewhere[2], "local", ACCOUNT)):
            key = self.new_key(client)
            self.assertEqual(key["Arn"], f"arn:aws:kms:{region}:{account}:key/{key['KeyId']}")
            self.assertEqual(key["AWSAccountId"], account)

    def test_re_encrypt_does_not_leave_its_region(self):
        source, target = self.new_key(self.here), self.new_key(self.elsewhere[0])
        blob = self.here.call("Encrypt", KeyId=source["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        self.refused("NotFoundException", "Invalid arn us-east-1", self.here, "ReEncrypt", CiphertextBlob=blob,
                     DestinationKeyId=target["Arn"])

    def test_a_removed_principal_calls_no_more_and_its_keys_stay(self):
        key = self.new_key(self.here)
        self.daemon.admin("RemovePrincipal", Account=ACCOUNT, Name="tester")
        with self.assertRaises(ServiceError) as raised:
            self.here.call("DescribeKey", KeyId=key["KeyId"])
        self.assertEqual(raised.exception.code, "UnrecognizedClientException")
        again = self.boto("eu-central-1", self.daemon.new_principal("somebody.else"))
        self.assertEqual(again.call("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"], key)

    def test_two_access_keys_of_one_principal_both_work_until_one_is_deleted(self):
        second = self.daemon.new_access_key()
        self.assertEqual(self.boto(credentials=second).call("ListKeys")["Keys"], [])
        with self.assertRaises(ServiceError) as raised:
            self.daemon.new_access_key()
        self.assertEqual(raised.exception.code, "LimitExceededException")
        self.daemon.admin("DeleteAccessKey", AccessKeyId=self.credentials.key_id)
        self.refused("UnrecognizedClientException", "The security token included in the request is invalid.",
                     self.here, "ListKeys")
        self.assertEqual(self.boto(credentials=second).call("ListKeys")["Keys"], [])


if __name__ == "__main__":
    daemon.main()
