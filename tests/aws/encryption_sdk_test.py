"""The AWS Encryption SDK for JavaScript against the daemon (encryption_sdk.js), and against one that refuses."""

import os

import clients
import daemon


class EncryptionSdk(daemon.KmsdTest):
    def run_script(self, *keys):
        environment = self.place.environment | {
            "NODE_PATH": clients.node_modules(), "ENFOLD_TEST_ENDPOINT": self.daemon.endpoint,
            "ENFOLD_TEST_KEYS": " ".join(key["Arn"] for key in keys), "AWS_ACCESS_KEY_ID": self.credentials.key_id,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret, "AWS_EC2_METADATA_DISABLED": "true",
        }
        return self.place.run("node", os.path.join(daemon.HERE, "encryption_sdk.js"), env=environment)

    def test_works_unchanged(self):
        boto = self.boto()
        done = self.run_script(self.new_key(boto), self.new_key(boto))
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr)
        self.assertRegex(done.stdout, "# pass 4\n")

    def test_fails_with_a_key_that_is_disabled(self):
        boto = self.boto()
        key = self.new_key(boto)
        boto.call("DisableKey", KeyId=key["KeyId"])
        done = self.run_script(key, key)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{key['Arn']} is disabled.", done.stdout)


if __name__ == "__main__":
    daemon.main()
