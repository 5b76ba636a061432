"""Power cuts of a real mount: copies of its disk at random moments of a random history, each mounted and recovered.

Short by default; with ENFOLD_LONG=1 for 500 copies of each filesystem. The user's pin lies on the same disk as the
volume, so that each copy has the pin of its moment, also while the volume is being mounted and unmounted.
"""

import contextlib
import os
import time
import unittest

import crash_disk
import crash_history
import crash_log
import crash_tree
import harness
from crash_log import Directory, File, Symlink
from crash_tree import Found
from crash_volume import CrashVolume

IS_LONG = os.environ.get("ENFOLD_LONG") == "1"
HISTORIES, COPIES = (25, 20) if IS_LONG else (1, 6)
WORKERS = 3


class CrashImages(harness.MountedTest):
    def test_ext4(self):
        self.crash_often("ext4")

    def test_xfs(self):
        self.crash_often("xfs")

    def crash_often(self, kind):
        self.disk = crash_disk.CrashDisk(self.place, kind)
        self.place.environment |= {"XDG_CONFIG_HOME": os.path.join(self.disk.path, "home")}
        with self.disk.mounted() as path:
            os.mkdir(os.path.join(path, "home"), 0o700)
            self.volume = CrashVolume(self.place, lower=os.path.join(path, "lower")).init()
        self.crashed = self.twice = self.set_aside = 0
        for number in range(HISTORIES):
            workers, copies = self.run_history(number)
            for copy in copies:
                with self.subTest(f"history {number}, {copy}"), self.cleared_when_it_fails():
                    self.verify(copy, workers)
        print(f"{HISTORIES * COPIES} copies, {self.crashed} with a crash on record, {self.twice} crashed again during "
              f"recovery, {self.set_aside} entries set aside", flush=True)

    @contextlib.contextmanager
    def cleared_when_it_fails(self):
        """So that the next copy is not judged by what this one left mounted."""
        try:
            yield
        except Exception:
            self.volume.kill()
            for path in (self.volume.mountpoint, self.disk.path):
                while harness.mounted_at(path):
                    self.place.must("umount", "-l", path)
            raise

    def run_history(self, number):
        """The workers, and copies of the disk made at random while they work and the volume is mounted and unmounted;
        the last one is of its end."""
        with self.disk.mounted() as path:
            self.volume.mount()
            workers = [crash_history.Worker(self.volume.path(f"history-{number}-{one}"), self.random)
                       for one in range(WORKERS)]
            for worker in workers:
                os.mkdir(worker.path)
            self.volume.remount()
            running = crash_history.Workers(workers)
            with crash_disk.Shaker(path, self.random), crash_disk.Camera(self.disk, self.random, COPIES - 1) as camera:
                while not camera.is_done():
                    running.start()
                    time.sleep(self.random.uniform(1, 8))
                    running.stop()
                    self.volume.unmount()
                    for worker in workers:
                        worker.log.all_synced()
                    self.volume.mount()
            self.volume.unmount()
        return workers, [*camera.copies, self.disk.copy("copy-of-the-end")]

    def verify(self, copy, workers):
        """Everything is right at once, stays so when recovery has ended, and does after a clean unmount."""
        if self.random.random() < 0.3:
            copy = self.crash_again(copy)
        with self.disk.mounted(copy.image):
            self.crashed += self.volume.json("status", self.volume.lower)["state"] == "open"
            self.volume.mount()
            if self.random.random() < 0.5:
                self.volume.wait_until_recovered()
            found = self.read(copy, workers)
            self.volume.wait_until_recovered()
            self.assert_same(found)
            self.volume.remount()
            self.assert_same(found)
            self.volume.unmount()
            self.set_aside += sum("set aside" in one for one in self.volume.leftovers())
        copy.remove()

    def read(self, copy, workers):
        found = crash_tree.read_tree(self.volume.path(), recovering=True)
        problems = []
        for worker in workers:
            name = os.path.basename(worker.path)
            crash = crash_log.Crash.of_power(worker.log, copy.before, copy.after)
            problems += [f"{name}/{one}" for one in crash.problems(found[name].entries)]
        self.assertEqual([], problems, self.volume.said())
        return found

    def assert_same(self, found):
        again = crash_tree.read_tree(self.volume.path())
        self.assertEqual(crash_tree.digests(found), crash_tree.digests(again), self.volume.said())

    def crash_again(self, copy):
        """A copy of the copy, taken while it is recovering; the moment of the first crash still counts."""
        self.twice += 1
        with self.disk.mounted(copy.image):
            self.volume.mount()
            time.sleep(self.random.choice([0, 0.01, 0.1, 1]))
            again = self.disk.copy("crashed-again", copy.image)
            self.volume.kill()
            self.place.must("umount", "-l", self.volume.mountpoint)
        copy.remove()
        again.before, again.after = copy.before, copy.after
        return again


class TheLog(unittest.TestCase):
    """What decides about the copies must see what is wrong with one."""

    def setUp(self):
        self.log = crash_log.Log()
        self.file = File()  # without holes
        self.done("create", (self.log.root, "name", self.file))
        self.write(0, b"a" * 10_000)
        self.log.end(self.log.begin_sync("fsync", self.file, self.log.root))
        self.synced = time.monotonic_ns()
        self.write(5000, b"b" * 100)
        self.done("rename", (self.log.root, "name", None), (self.log.root, "new", self.file))

    def done(self, what, *names):
        self.log.end(self.log.begin(what, *names))

    def write(self, offset, data):
        number = self.log.begin("write")
        self.file.write(number, offset, data)
        self.log.end(number)

    def problems(self, found, moment=None):
        moment = moment or time.monotonic_ns()
        return crash_log.Crash.of_power(self.log, moment, moment).problems(found)

    def test_an_msync_promises_the_content_and_no_name(self):
        """A file that was renamed, and then only stored into and msynced, came back under its old name on ext4."""
        new = b"a" * 5000 + b"b" * 100 + b"a" * 4900
        self.log.end(self.log.begin_sync("msync", self.file, self.log.root))
        for name in ("name", "new"):
            self.assertEqual([], self.problems({name: Found("File", content=new)}))
            self.assertNotEqual([], self.problems({name: Found("File", content=b"a" * 10_000)}))
        self.log.end(self.log.begin_sync("fsync", self.file, self.log.root))
        self.assertNotEqual([], self.problems({"name": Found("File", content=new)}))

    def test_old_and_new_are_right(self):
        old, new = b"a" * 10_000, b"a" * 5000 + b"b" * 100 + b"a" * 4900
        for name in ("name", "new"):
            for content in (old, new):
                self.assertEqual([], self.problems({name: Found("File", content=content)}))

    def test_what_was_not_begun_is_wrong(self):
        self.assertEqual([], self.problems({"name": Found("File", content=b"a" * 10_000)}, self.synced))
        self.assertTrue(self.problems({"new": Found("File", content=b"a" * 10_000)}, self.synced))
        self.assertTrue(self.problems({"name": Found("File", content=self.file.content)}, self.synced))

    def test_lost_and_mixed_is_wrong(self):
        self.assertTrue(self.problems({}))
        for content in (b"a" * 9999, b"a" * 8128, bytes(10_000), b"a" * 5000 + b"b" * 99 + b"a" * 4901, b""):
            self.assertTrue(self.problems({"name": Found("File", content=content)}))
        both = {name: Found("File", content=b"a" * 10_000) for name in ("name", "new")}
        self.assertTrue(self.problems(both))
        self.assertTrue(self.problems({"name": Found("Symlink", target="x")}))

    def test_only_what_was_never_synced_may_go(self):
        self.done("symlink", (self.log.root, "link", Symlink("there")))
        self.done("mkdir", (self.log.root, "folder", Directory()))
        there = {"new": Found("File", content=self.file.content)}
        self.assertEqual([], self.problems(there))
        self.log.end(self.log.begin_sync("fsync", self.log.root, None))
        self.assertTrue(self.problems(there))
        there |= {"link": Found("Symlink", target="there"), "folder": Found("Directory", entries={})}
        self.assertEqual([], self.problems(there))


if __name__ == "__main__":
    harness.main(needs_root=True)
