"""What is planned happens on time: deletions and rotations, with the daemon's clock set ahead, also over a restart."""

import os
import sqlite3
import struct
import time

import daemon
from unix_client import ServiceError

MINUTE, DAY = 60, 86_400


class Schedule(daemon.KmsdTest):
    def new_daemon(self):
        self.clock_file = os.path.join(self.place.path, "ahead")
        self.passed_s = 0
        self.pass_time(0)
        made = daemon.Daemon(self.place)
        self.environment = {"LD_PRELOAD": os.environ["ENFOLD_SHIFTED_CLOCK"], "ENFOLD_CLOCK_AHEAD": self.clock_file}
        return made.start(**self.environment)

    def pass_time(self, seconds):
        self.passed_s += seconds
        with open(self.clock_file, "r+b" if os.path.exists(self.clock_file) else "wb") as file:
            file.write(struct.pack("=q", int(self.passed_s * 1000)))

    def now(self):
        """A client whose clock agrees with the daemon's."""
        return self.js(clock_offset_s=self.passed_s)

    def restart_after(self, seconds):
        """The daemon is down while the time passes."""
        self.daemon.stop()
        self.pass_time(seconds)
        self.daemon.start(**self.environment)

    def kill_and_restart_after(self, seconds):
        self.daemon.kill()
        self.pass_time(seconds)
        self.daemon.start(**self.environment)

    def rows(self):
        """How many rows the store has, without asking the daemon, which would do what is due."""
        store = sqlite3.connect(f"file:{os.path.join(self.daemon.data, 'kms.db')}?mode=ro", uri=True)
        try:
            tables = [name for name, in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return sum(store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
        finally:
            store.close()

    def key_with_alias(self):
        client = self.now()
        key = self.new_key(client)
        client.call("CreateAlias", AliasName="alias/of-it", TargetKeyId=key["KeyId"])
        return key, client.call("Encrypt", KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]

    def assert_pending(self, key):
        described = self.now().call("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]
        self.assertEqual(described["KeyState"], "PendingDeletion")

    def assert_deleted(self, key, blob):
        client = self.now()
        self.refused("NotFoundException", f"Key '{key['Arn']}' does not exist", client, "DescribeKey",
                     KeyId=key["KeyId"])
        self.refused("NotFoundException", f"Key '{key['Arn']}' does not exist", client, "CancelKeyDeletion",
                     KeyId=key["KeyId"])
        self.assertEqual(client.call("ListKeys")["Keys"], [])
        self.assertNotIn("alias/of-it", [alias["AliasName"] for alias in client.call("ListAliases")["Aliases"]])
        with self.assertRaises(ServiceError) as raised:
            client.call("Decrypt", CiphertextBlob=blob)
        self.assertEqual(raised.exception.status, 400)
        other = self.new_key(client)
        client.call("CreateAlias", AliasName="alias/of-it", TargetKeyId=other["KeyId"])

    def test_a_key_is_deleted_on_time_and_not_before(self):
        for days, said in ((7, {"PendingWindowInDays": 7}), (30, {})):
            with self.subTest(days=days):
                key, blob = self.key_with_alias()
                self.now().call("ScheduleKeyDeletion", KeyId=key["KeyId"], **said)
                self.pass_time(days * DAY - 2 * MINUTE)
                self.assert_pending(key)
                self.pass_time(3 * MINUTE)
                self.assert_deleted(key, blob)
                left = self.now().call("ListKeys")["Keys"]
                self.now().call("ScheduleKeyDeletion", KeyId=left[0]["KeyId"], PendingWindowInDays=7)
                self.pass_time(8 * DAY)

    def test_a_deletion_that_was_due_while_the_daemon_was_down(self):
        for restart in (self.restart_after, self.kill_and_restart_after):
            with self.subTest(restart=restart.__name__):
                key, blob = self.key_with_alias()
                self.now().call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=7)
                restart(6 * DAY)
                self.assert_pending(key)
                restart(2 * DAY)
                self.assert_deleted(key, blob)
                left = self.now().call("ListKeys")["Keys"]
                self.now().call("ScheduleKeyDeletion", KeyId=left[0]["KeyId"], PendingWindowInDays=7)
                self.pass_time(8 * DAY)

    def test_a_cancelled_deletion_never_happens(self):
        key, blob = self.key_with_alias()
        self.now().call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=7)
        self.now().call("CancelKeyDeletion", KeyId=key["KeyId"])
        self.restart_after(40 * DAY)
        self.now().call("EnableKey", KeyId=key["KeyId"])
        self.assertEqual(self.now().call("Decrypt", CiphertextBlob=blob)["Plaintext"], b"x")

    def test_a_deletion_needs_nobody_to_call(self):
        key, _ = self.key_with_alias()
        before = self.rows()
        self.now().call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=7)
        self.restart_after(7 * DAY - 5)  # it sees that it is due in seconds
        self.assertEqual(self.rows(), before)
        deadline = time.monotonic() + 120
        while self.rows() == before and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertLess(self.rows(), before)

    def material(self, key):
        return self.now().call("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]

    def rotations(self, key):
        return self.now().call("ListKeyRotations", KeyId=key["KeyId"])["Rotations"]

    def rotating_key(self):
        key = self.new_key(self.now())
        self.now().call("EnableKeyRotation", KeyId=key["KeyId"], RotationPeriodInDays=90)
        return key, self.now().call("Encrypt", KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]

    def test_a_key_rotates_on_time_and_not_before(self):
        key, blob = self.rotating_key()
        materials = [key["CurrentKeyMaterialId"]]
        self.pass_time(MINUTE)
        for turn in range(3):
            self.pass_time(90 * DAY - 2 * MINUTE)
            self.assertEqual(self.material(key), materials[-1])
            due = self.now().call("GetKeyRotationStatus", KeyId=key["KeyId"])["NextRotationDate"]
            self.pass_time(2 * MINUTE)
            materials.append(self.material(key))
            self.assertEqual(len(set(materials)), turn + 2)
            rotated = self.rotations(key)[-1]
            self.assertEqual((rotated["RotationType"], rotated["KeyMaterialId"]), ("AUTOMATIC", materials[-1]))
            self.assertLess(abs((rotated["RotationDate"] - due).total_seconds()), 10 * MINUTE)
            status = self.now().call("GetKeyRotationStatus", KeyId=key["KeyId"])
            self.assertLess(abs((status["NextRotationDate"] - due).total_seconds() - 90 * DAY), 10 * MINUTE)
        opened = self.now().call("Decrypt", CiphertextBlob=blob)
        self.assertEqual((opened["Plaintext"], opened["KeyMaterialId"]), (b"x", materials[0]))

    def test_a_rotation_that_was_due_while_the_daemon_was_down(self):
        for restart in (self.restart_after, self.kill_and_restart_after):
            key, blob = self.rotating_key()
            restart(89 * DAY)
            self.assertEqual(self.material(key), key["CurrentKeyMaterialId"])
            restart(2 * DAY)
            self.assertNotEqual(self.material(key), key["CurrentKeyMaterialId"])
            self.assertEqual([entry["RotationType"] for entry in self.rotations(key)], ["AUTOMATIC"])
            self.assertEqual(self.now().call("Decrypt", CiphertextBlob=blob)["Plaintext"], b"x")

    def test_after_many_periods_at_once_the_next_rotation_lies_ahead(self):
        key, _ = self.rotating_key()
        self.restart_after(1000 * DAY)
        self.assertNotEqual(self.material(key), key["CurrentKeyMaterialId"])
        status = self.now().call("GetKeyRotationStatus", KeyId=key["KeyId"])
        ahead = status["NextRotationDate"].timestamp() - time.time() - self.passed_s
        self.assertTrue(0 < ahead <= 90 * DAY + MINUTE, ahead)

    def test_a_disabled_key_rotates_when_it_is_enabled_again(self):
        key, _ = self.rotating_key()
        self.now().call("DisableKey", KeyId=key["KeyId"])
        self.restart_after(100 * DAY)
        self.assertEqual(self.material(key), key["CurrentKeyMaterialId"])
        self.now().call("EnableKey", KeyId=key["KeyId"])
        self.assertNotEqual(self.material(key), key["CurrentKeyMaterialId"])

    def test_rotation_on_demand_leaves_the_schedule_alone(self):
        key, _ = self.rotating_key()
        due = self.now().call("GetKeyRotationStatus", KeyId=key["KeyId"])["NextRotationDate"]
        self.pass_time(50 * DAY)
        self.now().call("RotateKeyOnDemand", KeyId=key["KeyId"])
        self.assertEqual(self.now().call("GetKeyRotationStatus", KeyId=key["KeyId"])["NextRotationDate"], due)
        self.pass_time(41 * DAY)
        self.assertEqual([entry["RotationType"] for entry in self.rotations(key)], ["ON_DEMAND", "AUTOMATIC"])

    def test_a_new_period_counts_and_disabling_ends_it(self):
        key, _ = self.rotating_key()
        self.pass_time(80 * DAY)
        self.now().call("EnableKeyRotation", KeyId=key["KeyId"], RotationPeriodInDays=200)
        self.pass_time(15 * DAY)
        self.assertEqual(self.rotations(key), [])
        self.now().call("DisableKeyRotation", KeyId=key["KeyId"])
        self.restart_after(1000 * DAY)
        self.assertEqual(self.rotations(key), [])

    def test_a_key_that_waits_for_deletion_does_not_rotate(self):
        key, _ = self.rotating_key()
        self.pass_time(85 * DAY)
        self.now().call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=30)
        self.restart_after(10 * DAY)
        self.assertEqual(self.material(key), key["CurrentKeyMaterialId"])

    def test_a_clock_that_was_set_back_deletes_nothing_early(self):
        key, _ = self.key_with_alias()
        self.now().call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=7)
        self.restart_after(-30 * DAY)
        self.assert_pending(key)
        self.restart_after(36 * DAY)
        self.assert_pending(key)


if __name__ == "__main__":
    daemon.main()
