"""`enfold key` and `enfold principal`, on an embedded store and on the daemon alike, and `enfold init` on the daemon."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
from kms_daemon import KmsDaemon  # noqa: E402

DATE = r"\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z"
NO_KEY = "0f6c1b1e-2f5a-4c43-9d0a-3c0f2f1f7a55"


class KmsCommandTest(harness.MountedTest):
    def run_tool(self, *arguments):
        return self.place.run(self.place.program, *arguments)

    def answer(self, *arguments, kms=None):
        done = self.run_tool(*arguments, "--kms", kms or self.kms, "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, code, *arguments, says="", kms=None):
        done = self.run_tool(*arguments, "--kms", kms or self.kms)
        self.assertEqual((code, ""), (done.returncode, done.stdout), done.stderr)
        self.assertRegex(done.stderr, r"\Aenfold: [^\n]*; [^\n]*\n\Z")
        self.assertIn(says, done.stderr)


class Embedded(KmsCommandTest):
    def setUp(self):
        super().setUp()
        self.kms = f"embedded:{self.place.path}/keys"
        self.key = self.answer("key", "create", "--description", "first", "--root-key", "generated")
        self.assertTrue(self.key["new_key_store"])

    def test_keys_have_regions(self):
        self.assertTrue(self.key["arn"].startswith("arn:aws:kms:local:"))
        far = self.answer("key", "create", "--region", "eu-west-1", "--tag", "a=b=c")
        self.assertTrue(far["arn"].startswith("arn:aws:kms:eu-west-1:"), far)
        self.assertEqual([{"name": "a", "value": "b=c"}], self.answer("key", "tag", "list", far["arn"])["tags"])
        self.assertEqual([self.key["arn"]], [key["arn"] for key in self.answer("key", "list")["keys"]])
        self.assertEqual([far["arn"]], [key["arn"] for key in self.answer("key", "list", "--region", "eu-west-1")["keys"]])
        self.assertEqual(far["arn"], self.answer("key", "describe", far["arn"])["arn"])
        self.assert_refused(41, "key", "describe", far["id"])

    def test_aliases(self):
        self.assertEqual("alias/photographs", self.answer("key", "alias", "create", "photographs", self.key["id"])["alias"])
        self.assertEqual(self.key["arn"], self.answer("key", "describe", "alias/photographs")["arn"])
        self.assert_refused(47, "key", "alias", "create", "alias/photographs", self.key["id"], says="alias update")
        self.assert_refused(57, "key", "alias", "create", "alias/aws/mine", self.key["id"])
        other = self.answer("key", "create")
        self.answer("key", "alias", "update", "photographs", other["arn"])
        (alias,) = self.answer("key", "alias", "list", other["id"])["aliases"]
        self.assertEqual(("alias/photographs", other["id"]), (alias["name"], alias["key"]))
        self.assertRegex(alias["created"], DATE)
        self.assertEqual([], self.answer("key", "alias", "list", self.key["id"])["aliases"])
        self.answer("key", "alias", "delete", "photographs")
        self.assert_refused(41, "key", "alias", "delete", "photographs")

    def test_tags(self):
        self.answer("key", "tag", "add", self.key["id"], "owner=me", "project=x")
        tags = self.answer("key", "tag", "add", self.key["id"], "owner=you")["tags"]
        self.assertEqual([{"name": "owner", "value": "you"}, {"name": "project", "value": "x"}], tags)
        self.assertEqual(1, len(self.answer("key", "tag", "remove", self.key["id"], "owner")["tags"]))
        self.assert_refused(2, "key", "tag", "add", self.key["id"], "owner")
        self.assert_refused(2, "key", "create", "--tag", "=x")
        self.assert_refused(56, "key", "tag", "add", self.key["id"], "aws:owner=me")

    def test_rotation(self):
        self.assertFalse(self.answer("key", "rotation", "status", self.key["id"])["rotation"])
        enabled = self.answer("key", "rotation", "enable", self.key["id"], "--days", "90")
        self.assertEqual((True, 90), (enabled["rotation"], enabled["days"]))
        self.assertRegex(enabled["next"], DATE)
        self.assertFalse(self.answer("key", "rotation", "disable", self.key["id"])["rotation"])
        self.assert_refused(40, "key", "rotation", "enable", self.key["id"], "--days", "89")
        self.assertEqual(2, self.answer("key", "rotate", self.key["id"])["materials"])
        first, second = self.answer("key", "rotation", "list", self.key["id"])["materials"]
        self.assertEqual({"CURRENT", "NON_CURRENT"}, {first["state"], second["state"]})
        self.assertIn("ON_DEMAND", (first["how"], second["how"]))

    def test_deletion(self):
        scheduled = self.answer("key", "schedule-deletion", self.key["arn"], "--days", "7")
        self.assertEqual("PendingDeletion", scheduled["state"])
        self.assertRegex(scheduled["deletion"], DATE)
        self.assert_refused(43, "key", "enable", self.key["arn"], says="is pending deletion; `enfold key cancel-deletion`")
        kept = self.answer("key", "cancel-deletion", self.key["arn"])
        self.assertEqual(("Disabled", None), (kept["state"], kept["deletion"]))
        self.assertEqual("Enabled", self.answer("key", "enable", self.key["arn"])["state"])
        self.assert_refused(43, "key", "cancel-deletion", self.key["arn"])
        self.assert_refused(40, "key", "schedule-deletion", self.key["arn"], "--days", "6")

    def test_unknown_keys(self):
        for action in ("describe", "enable", "disable", "rotate", "schedule-deletion", "cancel-deletion"):
            self.assert_refused(41, "key", action, NO_KEY)

    def test_very_many_keys_are_listed(self):
        more = {self.answer("key", "create")["arn"] for _ in range(120)}
        self.assertEqual(more | {self.key["arn"]}, {key["arn"] for key in self.answer("key", "list")["keys"]})

    def test_principals(self):
        made = self.answer("principal", "add", "alice", "--unix-user", "root", "--unix-user", "4242")
        self.assertEqual(("alice", "000000000000", ["0", "4242"]), (made["name"], made["account"], made["unix_ids"]))
        self.assertRegex(made["created"], DATE)
        self.assert_refused(47, "principal", "add", "alice", says="`enfold principal list`")
        self.assert_refused(47, "principal", "add", "bob", "--unix-user", "4242")
        self.assert_refused(40, "principal", "add", "bob", "--account", "12")
        self.assert_refused(2, "principal", "add", "bob", "--unix-user", "no such user")
        self.answer("principal", "add", "alice", "--account", "111122223333")
        key = self.answer("principal", "access-key", "create", "alice")
        self.assertRegex(key["access_key_id"], r"\AAKIA[A-Z2-7]{16}\Z")
        self.assertEqual(40, len(key["secret_access_key"]))
        listed = self.answer("principal", "list")["principals"]
        self.assertEqual(2, len(listed))
        self.assertIn([key["access_key_id"]], [principal["access_keys"] for principal in listed])
        self.assertNotIn(key["secret_access_key"], self.run_tool("principal", "list", "--kms", self.kms).stdout)
        self.answer("principal", "access-key", "delete", key["access_key_id"])
        self.assert_refused(41, "principal", "access-key", "delete", key["access_key_id"])
        self.answer("principal", "remove", "alice", "--account", "111122223333")
        (left,) = self.answer("principal", "list")["principals"]
        self.assertEqual("000000000000", left["account"])
        self.assert_refused(41, "principal", "remove", "bob", says="`enfold principal list`")
        self.assert_refused(2, "principal", "list", kms="http://127.0.0.1:1", says="unix: only")

    def test_for_people(self):
        done = self.run_tool("key", "describe", self.key["arn"], "--kms", self.kms)
        self.assertIn(f"arn: {self.key['arn']}\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^created: 20\d\d-")
        self.assertNotIn("deletion", done.stdout)
        self.assertEqual(2, self.run_tool("principal", "list").returncode, "which service must be said")


class Daemon(Embedded):
    """The same by unix:."""

    def setUp(self):
        KmsCommandTest.setUp(self)
        self.daemon = KmsDaemon(self.place)
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        self.daemon.enfold("principal", "add", "tester", "--unix-user", str(os.geteuid()), "--account", "999999999999")
        self.kms = self.daemon.url
        self.key = self.answer("key", "create", "--description", "first")
        self.assertFalse(self.key["new_key_store"])

    def test_principals(self):
        # This user is one already.
        self.daemon.enfold("principal", "remove", "tester", "--account", "999999999999")
        super().test_principals()

    def test_who_is_no_principal_is_told_how_to_become_one(self):
        self.daemon.enfold("principal", "remove", "tester", "--account", "999999999999")
        self.assert_refused(48, "key", "list", says="enfold principal add")

    def test_a_store_of_its_own_is_an_embedded_ones_business(self):
        for arguments in (["create", "--root-key", "generated"], ["export-store", "file"], ["import-store", "file"]):
            self.assert_refused(24, "key", *arguments, says="embedded")

    def test_a_volume_gets_a_key_of_its_own(self):
        lower = os.path.join(self.place.path, "lower")
        done = self.run_tool("init", lower, "--kms", self.kms)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("export-store", done.stdout)
        volume = re.search(r"(?m)^volume: (\w+)$", done.stdout)[1]
        (made,) = [key for key in self.answer("key", "list")["keys"] if key["arn"] != self.key["arn"]]
        self.assertEqual(f"Enfold volume {volume}", made["description"])
        status = json.loads(self.run_tool("status", lower, "--json").stdout)
        self.assertEqual((self.kms, made["arn"]), (status["kms"], status["key"]))
        self.assertEqual(0, self.run_tool("check", lower).returncode)

    def test_a_volume_takes_a_given_key_by_any_name(self):
        self.answer("key", "alias", "create", "mine", self.key["id"])
        for number, name in enumerate((self.key["id"], self.key["arn"], "alias/mine")):
            lower = os.path.join(self.place.path, f"lower {number}")
            self.assertEqual(self.key["arn"], self.answer("init", lower, "--key", name)["key"])
        self.assert_refused(41, "init", os.path.join(self.place.path, "none"), "--key", NO_KEY)
        self.assertFalse(os.path.exists(os.path.join(self.place.path, "none")))

    def test_a_relative_path_is_pinned_as_an_absolute_one(self):
        lower = os.path.join(self.place.path, "lower")
        folder, name = os.path.split(self.daemon.socket)
        done = self.place.run(self.place.program, "init", lower, "--kms", f"unix:{name}", cwd=folder)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(self.kms, json.loads(self.run_tool("status", lower, "--json").stdout)["kms"])

    def test_a_daemon_that_is_away(self):
        self.daemon.stop()
        self.assert_refused(53, "key", "list", says=self.daemon.socket)
        self.assert_refused(53, "key", "create")
        lower = os.path.join(self.place.path, "lower")
        self.assert_refused(53, "init", lower)
        self.assertFalse(os.path.exists(lower))


if __name__ == "__main__":
    harness.main()
