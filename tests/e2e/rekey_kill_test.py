"""`enfold rekey` stopped: by a signal to the command, by one to the mount, by SIGKILL to either, at random moments.

Whatever is there, every file opens, and the same command finishes."""

import os
import signal
import time

import harness
import trees
from kms_daemon import KmsDaemon
from rekey_volume import KeyStore, RekeyVolume, Wraps

FILES = 5000 if harness.IS_LONG else 400
KILLS = 60 if harness.IS_LONG else 5
JOBS, MTIME = 2, 1
REKEY_S = 2.5 if harness.IS_LONG else 0.3  # about as long as it takes


def is_newer(found, before):
    """By nothing else."""
    if found is None or not found[0].startswith("0o100"):
        return False
    return found[MTIME] > before[MTIME] and found[:MTIME] + found[MTIME + 1:] == before[:MTIME] + before[MTIME + 1:]


class Stopped(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.store = KeyStore(self.place, "first")
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        os.mkdir(self.volume.path("large"))
        trees.make_tree(self.volume.path(), self.random, FILES)
        with open(self.volume.path("large", "file"), "wb") as file:
            file.write(self.random.randbytes(20 << 20))
        self.volume.remount()
        self.tree = trees.describe(self.volume.path())

    def turns(self):
        """Some, and more until a rekey was stopped before its end: how long one takes depends on the machine."""
        self.stopped = 0
        for turn in range(20 * KILLS):
            if turn >= KILLS and self.stopped:
                break
            yield turn
        print(f"{self.stopped} were stopped before their end", flush=True)
        self.assertGreater(self.stopped, 0)

    def is_all_there(self, killed=False):
        """Who was killed between the write of a header and putting its time back leaves the time of that write, of one
        file in each thread."""
        found = trees.describe(self.volume.path())
        moved = {path: found[path] for path, facts in self.tree.items() if is_newer(found.get(path), facts)}
        if killed and len({facts[MTIME] for facts in moved.values()}) <= JOBS:
            self.tree |= moved
        self.assertEqual("", trees.differences(self.tree, found))

    def start(self, *arguments):
        output = open(os.path.join(self.place.path, "output"), "w+b")
        self.addCleanup(output.close)
        process = self.place.start(self.place.program, "rekey", self.volume.lower, "--jobs", str(JOBS), *arguments,
                                   stdout=output, stderr=output)
        process.output = output
        return process

    def said(self, process):
        process.output.seek(0)
        return process.output.read().decode()

    def wait_for_work(self, process, wraps):
        """Until the volume's own secret is wrapped anew, and then for some part of the rest."""
        while process.poll() is None and not self.has_begun(wraps):
            time.sleep(0.001)
        time.sleep(self.random.random() ** 2 * REKEY_S)

    def has_begun(self, wraps):
        with open(os.path.join(self.volume.lower, "enfold.volume"), "rb") as file:
            return not all(blob in wraps.found for blob in Wraps.in_bytes(file.read()))

    def has_way_back(self, wraps):
        """The volume's own secret is still wrapped as it was."""
        with open(os.path.join(self.volume.lower, "enfold.volume"), "rb") as file:
            return any(blob in wraps.found for blob in Wraps.in_bytes(file.read()))

    def another_key(self):
        """(arguments, what was below before); the store and key change with the mount's next start."""
        wraps = Wraps(self.volume.lower)
        key = self.store.new_key()
        return key, ["--to-key", key], wraps

    def is_rekeying(self):
        return self.volume.json("status", self.volume.lower)["rekeying"]

    def finish(self, arguments, key, wraps, killed=False):
        """The same command, and then all is as after one that was never stopped."""
        old = self.volume.key
        answer = self.volume.rekey(*arguments)
        self.assertTrue(answer["complete"])
        self.assertIn(old, answer["may_be_disabled"])
        self.assertEqual([], wraps.left_in(self.volume.lower))
        self.assertFalse(self.is_rekeying())
        self.store.ask("disable", old)
        self.volume.use(self.store, key)
        if self.volume.is_mounted:
            time.sleep(1.2)
        else:
            self.volume.mount()
        self.is_all_there(killed)


class Command(Stopped):
    def stop_it(self, number, mounted, *more):
        """True where it was stopped before its end."""
        if not mounted and self.volume.is_mounted:
            self.volume.unmount()
        key, arguments, wraps = self.another_key()
        process = self.start(*arguments, *more)
        self.wait_for_work(process, wraps)
        process.send_signal(number)
        code = process.wait()
        self.assertIn(code, (0, 4, -signal.SIGKILL) if number == signal.SIGKILL else (0, 4), self.said(process))
        if code == 4:
            self.assertIn(f"to go on: enfold rekey {self.volume.lower}", self.said(process))
        stopped = code != 0
        self.wait_until_idle()
        if stopped:
            self.assertTrue(self.is_rekeying() or not wraps.left_in(self.volume.lower))
        if not self.volume.is_mounted:
            self.volume.mount()
        self.is_all_there(killed=not mounted and number == signal.SIGKILL)
        if not mounted:
            self.volume.unmount()
        with_key = self.random.random() < 0.5 or not self.is_rekeying()
        self.finish([*(arguments if with_key else []), *more], key, wraps)
        return stopped

    def wait_until_idle(self):
        """A mount notices soon that nobody waits for it."""
        while self.volume.is_mounted and self.volume.try_rekey("--status").returncode == 15:
            time.sleep(0.01)

    def stop_many(self, *ways):
        for turn in self.turns():
            number = self.random.choice(ways)
            self.stopped += self.stop_it(number, turn % 2 == 0, *(["--new-data-keys"] if turn % 3 == 2 else []))

    def test_a_mount_stops_when_nobody_waits_for_it_any_more(self):
        for _ in range(5):  # a quick machine needs more work than it does before it notices
            with open(self.volume.path("huge"), "ab") as file:
                for _ in range(20):
                    file.write(self.random.randbytes(10 << 20))
            self.tree = trees.describe(self.volume.path())
            key, arguments, wraps = self.another_key()
            process = self.start(*arguments, "--new-data-keys")
            self.wait_for_work(process, wraps)
            process.kill()
            process.wait()
            self.wait_until_idle()
            if self.is_rekeying():
                break
        self.assertTrue(self.is_rekeying())
        self.assertNotEqual([], wraps.left_in(self.volume.lower))
        self.is_all_there()
        self.finish([*arguments, "--new-data-keys"], key, wraps)

    def test_told_to_stop(self):
        self.stop_many(signal.SIGINT, signal.SIGTERM)

    def test_killed(self):
        self.stop_many(signal.SIGKILL)


class Mount(Stopped):
    def test_killed(self):
        for turn in self.turns():
            more = ["--new-data-keys"] if turn % 3 == 2 else []
            key, arguments, wraps = self.another_key()
            process = self.start(*arguments, *more)
            self.wait_for_work(process, wraps)
            self.volume.kill()
            code = process.wait()
            self.stopped += code != 0
            self.assertIn(code, (0, 15, 10), self.said(process))
            self.place.must("umount", self.volume.mountpoint)
            if turn % 2:
                self.volume.mount()
                self.is_all_there(killed=True)
                if turn % 4 == 3:
                    self.volume.unmount()
            self.finish([*arguments, *more], key, wraps, killed=True)


class TwoServices(Stopped):
    """While it is not finished there are files under keys of both."""

    def stop_one(self, other, mounted):
        """The volume moves to `other`, stopped on the way there, and what it was under goes away."""
        former, key, wraps = self.volume.store, other.new_key(), Wraps(self.volume.lower)
        if not mounted:
            self.volume.unmount()
        process = self.start("--to-kms", other.url, "--to-key", key)
        self.wait_for_work(process, wraps)
        if mounted:
            self.volume.kill()
            self.place.must("umount", self.volume.mountpoint)
        else:
            process.kill()
        self.stopped += process.wait() != 0
        self.volume.mount()
        self.is_all_there(killed=True)
        if not mounted:
            self.volume.unmount()
        answer = self.volume.rekey(*random_part(self.random, ["--to-kms", other.url, "--to-key", key]))
        self.assertEqual((other.url, key, True), tuple(answer[name] for name in ("kms", "key", "complete")))
        self.assertEqual([], wraps.left_in(self.volume.lower))
        self.volume.use(other, key)
        if self.volume.is_mounted:
            self.volume.unmount()
        former.retire()
        self.volume.mount()
        self.is_all_there()

    def daemon(self, name):
        daemon = KmsDaemon(self.place, name)
        self.addCleanup(daemon.close)
        daemon.start()
        daemon.let_me_in()
        return daemon

    def test_killed_between_two_stores(self):
        for turn in self.turns():
            self.stop_one(KeyStore(self.place, f"store {turn}"), mounted=turn % 2 == 0)

    def test_killed_between_a_store_and_a_daemon(self):
        for turn in self.turns():
            self.stop_one(self.daemon(f"kmsd {turn}"), mounted=turn % 2 == 0)
            self.stop_one(KeyStore(self.place, f"store {turn}"), mounted=turn % 2 == 1)

    def test_the_daemon_killed_meanwhile(self):
        """It is back at once, and the same command finishes."""
        for turn in self.turns():
            daemon, wraps = self.daemon(f"kmsd {turn}"), Wraps(self.volume.lower)
            former, key = self.volume.store, daemon.new_key()
            process = self.start("--to-kms", daemon.url, "--to-key", key)
            self.wait_for_work(process, wraps)
            daemon.kill()
            code = process.wait()
            self.stopped += code != 0
            daemon.start()
            time.sleep(1.2)  # a mount repeats for a second that a service was away
            self.is_all_there()
            self.assertTrue(self.volume.rekey("--to-kms", daemon.url, "--to-key", key)["complete"], self.said(process))
            self.assertEqual([], wraps.left_in(self.volume.lower))
            self.volume.use(daemon, key)
            self.volume.unmount()
            former.retire()
            self.volume.mount()
            self.is_all_there()

    def test_back_from_a_daemon_that_is_lost(self):
        """Half-way the volume had the lost key alone for its secret, and not a file of it opened."""
        daemon = self.daemon("kmsd")
        former, key = self.volume.store, self.volume.key
        for _ in self.turns():
            wraps = Wraps(self.volume.lower)
            process = self.start("--to-kms", daemon.url, "--to-key", daemon.new_key())
            self.wait_for_work(process, wraps)
            daemon.kill()
            process.wait()
            if self.has_way_back(wraps):
                self.stopped += 1
                self.volume.remount()
                back = self.volume.try_rekey("--to-kms", former.url, "--to-key", key)
                self.assertIn(back.returncode, (0, 3), back.stderr)  # 3: files were left, those under the lost key
            daemon.start()
            time.sleep(1.2)
            self.assertTrue(self.volume.rekey("--to-kms", former.url, "--to-key", key)["complete"])
            self.volume.remount()
            self.is_all_there()


def random_part(rng, arguments):
    """The same arguments, or none."""
    return arguments if rng.random() < 0.5 else []


if __name__ == "__main__":
    harness.main(needs_root=True)
