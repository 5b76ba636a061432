"""restic's backups into a mount whose process is killed at random moments: what was backed up before restores."""

import os
import subprocess
import time

import harness
import trees
from crash_volume import CrashVolume

IS_LONG = os.environ.get("ENFOLD_LONG") == "1"
KILLS = 40 if IS_LONG else 4


class CrashRestic(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = CrashVolume(self.place).init().mount()
        self.source = self.place.make("source")
        self.place.environment |= {"RESTIC_PASSWORD": "a password", "RESTIC_REPOSITORY": self.volume.path("repository")}
        self.kept = {}  # snapshot -> what it must restore

    def restic(self, *arguments):
        return self.place.must("restic", "--no-cache", *arguments)

    def backup(self):
        before = set(self.snapshots())
        self.restic("backup", self.source)
        (made,) = set(self.snapshots()) - before
        self.kept[made] = trees.describe(self.source)

    def snapshots(self):
        return os.listdir(self.volume.path("repository", "snapshots"))

    def change_the_source(self):
        trees.make_tree(self.place.make(f"source/{len(os.listdir(self.source))}"), self.random, 300)

    def backup_until_killed(self, after_s):
        """Whether the kill came before the end of the backup."""
        backup = subprocess.Popen(["restic", "--no-cache", "backup", self.source], env=self.place.environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after_s)
        was_running = backup.poll() is None
        self.volume.kill()
        backup.kill()  # it would try again for many minutes
        backup.wait()
        return was_running

    def assert_all_restore(self):
        for snapshot, expected in self.kept.items():
            target = os.path.join(self.place.path, "restored")
            self.restic("restore", snapshot, "--target", target)
            self.assertEqual("", trees.differences(expected, trees.describe(target + self.source)))
            self.place.must("rm", "-r", target)

    def test_backups_outlive_kills_of_the_mount(self):
        self.restic("init")
        self.change_the_source()
        self.backup()
        started = time.monotonic()
        self.backup()
        duration = time.monotonic() - started
        hit = 0
        for number in range(KILLS):
            self.change_the_source()
            hit += self.backup_until_killed(self.random.uniform(0, 1.5 * duration))
            self.volume.mount()
            if self.random.random() < 0.5:
                self.volume.wait_until_recovered()
            self.restic("unlock", "--remove-all")
            self.restic("check", "--read-data")
            self.backup()
            if number % 5 == 0:
                self.assert_all_restore()
        print(f"{KILLS} kills, {hit} of them during a backup", flush=True)
        self.volume.wait_until_recovered()
        self.volume.remount()
        self.restic("check", "--read-data")
        self.assert_all_restore()
        self.volume.unmount()
        self.volume.leftovers()


if __name__ == "__main__":
    harness.main()
