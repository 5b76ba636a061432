"""AWS's command line, as a person types it: /usr/bin/aws kms ... for every operation that it knows."""

import json
import os

import clients
import daemon


class CommandLine(daemon.KmsdTest):
    def setUp(self):
        super().setUp()
        self.environment = self.place.environment | {
            "AWS_ACCESS_KEY_ID": self.credentials.key_id, "AWS_SECRET_ACCESS_KEY": self.credentials.secret,
            "AWS_DEFAULT_REGION": daemon.REGION, "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
        }

    def aws(self, *arguments):
        return self.place.run(clients.AWS, "kms", *arguments, "--endpoint-url", self.daemon.endpoint, "--output",
                              "json", env=self.environment)

    def must(self, *arguments):
        done = self.aws(*arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout else None

    def file(self, content):
        path = os.path.join(self.place.path, f"file-{len(os.listdir(self.place.path))}")
        with open(path, "wb") as file:
            file.write(content)
        return f"fileb://{path}"

    def test_every_operation(self):
        key = self.must("create-key", "--description", "made by hand", "--tags", "TagKey=a,TagValue=b")["KeyMetadata"]
        other = self.must("create-key")["KeyMetadata"]
        of_key = ["--key-id", key["KeyId"]]
        self.must("create-alias", "--alias-name", "alias/one", "--target-key-id", key["KeyId"])
        self.assertEqual(self.must("describe-key", "--key-id", "alias/one")["KeyMetadata"], key)
        self.assertEqual(len(self.must("list-keys")["Keys"]), 2)
        self.assertIn("alias/one", [alias["AliasName"] for alias in self.must("list-aliases")["Aliases"]])

        context = ["--encryption-context", "a=1,b=2"]
        sealed = self.must("encrypt", "--key-id", "alias/one", "--plaintext", self.file(b"a secret"), *context)
        blob = self.file(daemon.bytes_of(sealed["CiphertextBlob"]))
        opened = self.must("decrypt", "--ciphertext-blob", blob, "--encryption-context", "b=2,a=1")
        self.assertEqual((daemon.bytes_of(opened["Plaintext"]), opened["KeyId"]), (b"a secret", key["Arn"]))
        moved = self.must("re-encrypt", "--ciphertext-blob", blob, "--source-encryption-context", "a=1,b=2",
                          "--destination-key-id", other["KeyId"])
        self.assertEqual((moved["SourceKeyId"], moved["KeyId"]), (key["Arn"], other["Arn"]))

        made = self.must("generate-data-key", *of_key, "--key-spec", "AES_256", *context)
        self.assertEqual(len(daemon.bytes_of(made["Plaintext"])), 32)
        made = self.must("generate-data-key-without-plaintext", *of_key, "--number-of-bytes", "64")
        self.assertNotIn("Plaintext", made)
        self.assertEqual(len(daemon.bytes_of(self.must("generate-random", "--number-of-bytes", "16")["Plaintext"])), 16)

        self.must("tag-resource", *of_key, "--tags", "TagKey=c,TagValue=d")
        self.must("untag-resource", *of_key, "--tag-keys", "a")
        self.assertEqual(self.must("list-resource-tags", *of_key)["Tags"], [{"TagKey": "c", "TagValue": "d"}])
        self.must("update-key-description", *of_key, "--description", "changed")
        self.must("update-alias", "--alias-name", "alias/one", "--target-key-id", other["KeyId"])
        self.must("enable-key-rotation", *of_key)
        self.assertEqual(self.must("get-key-rotation-status", *of_key)["KeyRotationEnabled"], True)
        self.must("disable-key-rotation", *of_key)
        self.must("disable-key", *of_key)
        self.must("enable-key", *of_key)
        scheduled = self.must("schedule-key-deletion", *of_key, "--pending-window-in-days", "7")
        self.assertEqual((scheduled["KeyState"], scheduled["PendingWindowInDays"]), ("PendingDeletion", 7))
        self.assertEqual(self.must("cancel-key-deletion", *of_key), {"KeyId": key["Arn"]})
        self.must("delete-alias", "--alias-name", "alias/one")
        described = self.must("describe-key", *of_key)["KeyMetadata"]
        self.assertEqual((described["Description"], described["KeyState"]), ("changed", "Disabled"))

    def enfold(self, *arguments):
        return self.place.must(self.place.program, *arguments, "--kms", f"unix:{self.daemon.socket}", "--json")

    def test_an_access_key_that_enfold_made_is_all_that_it_takes(self):
        self.enfold("principal", "add", "alice", "--account", "999988887777")
        made = json.loads(self.enfold("principal", "access-key", "create", "alice", "--account", "999988887777"))
        self.environment |= {"AWS_ACCESS_KEY_ID": made["access_key_id"],
                             "AWS_SECRET_ACCESS_KEY": made["secret_access_key"]}
        key = self.must("create-key")["KeyMetadata"]
        self.assertEqual(key["Arn"], f"arn:aws:kms:{daemon.REGION}:999988887777:key/{key['KeyId']}")

    def test_a_refusal_is_said_as_aws_says_it(self):
        done = self.aws("describe-key", "--key-id", "alias/absent")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("An error occurred (NotFoundException) when calling the DescribeKey operation", done.stderr)
        self.assertIn(f": Alias arn:aws:kms:{daemon.REGION}:{daemon.ACCOUNT}:alias/absent is not found.", done.stderr)


if __name__ == "__main__":
    daemon.main()
