"""key_states.json over the wire: each operation on a key in each state that a key can reach."""

import json
import os

import daemon

with open(os.path.join(daemon.HERE, "key_states.json"), encoding="utf-8") as file:
    TABLE = json.load(file)

# Rows that name an operation twice: what the key in that state is in it.
OPERATION = {"ReEncrypt from": "ReEncrypt", "ReEncrypt to": "ReEncrypt", "UpdateAlias from": "UpdateAlias",
             "UpdateAlias to": "UpdateAlias"}


class World:
    """An enabled key beside the one whose state is tried, which has an alias, a tag and a ciphertext."""

    def __init__(self, test, client, number):
        self.client = client
        self.other = test.new_key(client)
        self.key = test.new_key(client, Tags=[{"TagKey": "a", "TagValue": "b"}])
        self.alias, self.free_alias = f"alias/of-the-key-{number}", f"alias/free-{number}"
        self.other_alias = f"alias/of-the-other-{number}"
        for name, key in ((self.alias, self.key), (self.other_alias, self.other)):
            client.call("CreateAlias", AliasName=name, TargetKeyId=key["KeyId"])
        self.blob = self.encrypt(self.key)
        self.other_blob = self.encrypt(self.other)

    def encrypt(self, key):
        return self.client.call("Encrypt", KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]

    def bring_into(self, state):
        if state == "Disabled":
            self.client.call("DisableKey", KeyId=self.key["KeyId"])
        elif state == "PendingDeletion":
            self.client.call("ScheduleKeyDeletion", KeyId=self.key["KeyId"])

    def parameters(self, row):
        key, other = {"KeyId": self.key["KeyId"]}, self.other["KeyId"]
        return {
            "CreateAlias": {"AliasName": self.free_alias, "TargetKeyId": self.key["KeyId"]},
            "Decrypt": {"CiphertextBlob": self.blob},
            "DeleteAlias": {"AliasName": self.alias},
            "Encrypt": key | {"Plaintext": b"x"},
            "GenerateDataKey": key | {"KeySpec": "AES_256"},
            "GenerateDataKeyWithoutPlaintext": key | {"KeySpec": "AES_256"},
            "ReEncrypt from": {"CiphertextBlob": self.blob, "DestinationKeyId": other},
            "ReEncrypt to": {"CiphertextBlob": self.other_blob, "DestinationKeyId": self.key["KeyId"]},
            "TagResource": key | {"Tags": [{"TagKey": "c", "TagValue": "d"}]},
            "UntagResource": key | {"TagKeys": ["a"]},
            "UpdateAlias from": {"AliasName": self.alias, "TargetKeyId": other},
            "UpdateAlias to": {"AliasName": self.other_alias, "TargetKeyId": self.key["KeyId"]},
            "UpdateKeyDescription": key | {"Description": "new"},
        }.get(row, key)


class KeyStates(daemon.KmsdTest):
    def try_row(self, client, row, state, number):
        operation, world = OPERATION.get(row, row), World(self, client, number)
        world.bring_into(state)
        expected = TABLE["operations"][row][state]
        if expected == "allowed":
            client.call(operation, **world.parameters(row))
        else:
            refusal = TABLE["refusals"][expected]
            self.refused(refusal["code"], refusal["message"].format(arn=world.key["Arn"]), client, operation,
                         **world.parameters(row))
            self.assertEqual(self.state_of(client, world.key), state)

    def state_of(self, client, key):
        return client.call("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]

    def try_all(self, client):
        tried = 0
        for row in TABLE["operations"]:
            for state in TABLE["states"]:
                if client.knows(OPERATION.get(row, row)):
                    tried += 1
                    with self.subTest(operation=row, state=state):
                        self.try_row(client, row, state, tried)
        return tried

    def test_each_operation_with_boto3(self):
        self.assertEqual(self.try_all(self.boto()), (len(TABLE["operations"]) - 2) * 3)

    def test_each_operation_with_the_javascript_sdk(self):
        self.assertEqual(self.try_all(self.js()), len(TABLE["operations"]) * 3)

    def test_a_cancelled_deletion_leaves_the_key_disabled(self):
        client = self.boto()
        key = self.new_key(client)
        client.call("ScheduleKeyDeletion", KeyId=key["KeyId"])
        client.call("CancelKeyDeletion", KeyId=key["KeyId"])
        self.assertEqual(self.state_of(client, key), "Disabled")

    def test_rotation_shows_as_off_while_deletion_is_pending_and_comes_back(self):
        client = self.js()
        key = self.new_key(client)["KeyId"]
        client.call("EnableKeyRotation", KeyId=key, RotationPeriodInDays=100)
        client.call("ScheduleKeyDeletion", KeyId=key)
        self.assertFalse(client.call("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"])
        client.call("CancelKeyDeletion", KeyId=key)
        status = client.call("GetKeyRotationStatus", KeyId=key)
        self.assertEqual((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 100))


if __name__ == "__main__":
    daemon.main()
