"""`enfold rekey` again and again, beside eight writers and restic. ENFOLD_LONG=1: for a long time."""

import os
import signal
import threading
import time

import harness
import trees
from rekey_volume import KeyStore, RekeyVolume, Wraps
from rekey_writer import Writer, found_in

WRITERS = 8
ROUNDS = 150 if harness.IS_LONG else 8


class Restic(threading.Thread):
    """Backs up the mount until it is told to end."""

    def __init__(self, place, source):
        super().__init__()
        self.place, self.source = place, source
        self.options = {"env": place.environment | {
            "RESTIC_PASSWORD": "a password", "RESTIC_REPOSITORY": os.path.join(place.path, "repository")}}
        self.stopped, self.error, self.backups = threading.Event(), None, 0
        self.must("init")

    def must(self, *arguments):
        return self.place.must("restic", "--no-cache", *arguments, **self.options)

    def run(self):
        try:
            while not self.stopped.is_set():
                self.back_up({0, 3})  # 3: what was listed was removed before it was read
        except BaseException as error:  # the test shows it
            self.error = error

    def back_up(self, codes):
        done = self.place.run("restic", "--no-cache", "backup", self.source, **self.options)
        problems = [line for line in done.stderr.splitlines() if "error" in line and "no such file" not in line]
        if done.returncode not in codes or problems:
            raise AssertionError(f"restic ended with {done.returncode}: {done.stderr[-4000:]}")
        self.backups += 1

    def stop(self):
        self.stopped.set()
        self.join()
        if self.error:
            raise self.error

    def restored(self, snapshot):
        target = self.place.make(f"restored-{snapshot}")
        self.must("restore", snapshot, "--target", target)
        return target + self.source


class UnderLoad(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.store = KeyStore(self.place, "keys")
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        self.other = self.store.new_key()
        self.materials = {self.volume.material_of()}
        self.stop_file = os.path.join(self.place.path, "stop")
        os.mkdir(self.volume.path("still"))
        trees.make_tree(self.volume.path("still"), self.random, 100)
        self.still = trees.describe(self.volume.path("still"))

    def start_writers(self):
        writers = []
        for number in range(WRITERS):
            writers.append(Writer(self.volume.path(f"writer {number}"), self.random.random(), self.stop_file).start())
            self.addCleanup(self.end, writers[-1].child)
        return writers

    def end(self, child):
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def nothing_is_left(self, writers, material):
        """Nothing is under another material, with all writers held still for the moment; nor are open files without
        a name."""
        for writer in writers:
            writer.signal(signal.SIGSTOP)
        try:
            status = self.volume.rekey("--status")
            self.assertTrue(status["complete"], status)
            self.assertEqual({material}, Wraps(self.volume.lower).materials())
            self.assertEqual([], self.volume.files_that_name(self.materials - {material}))
            for content in self.volume.nameless():
                self.assertEqual({material}, {Wraps.material_of(blob) for blob in Wraps.in_bytes(content)})
        finally:
            for writer in writers:
                writer.signal(signal.SIGCONT)

    def change(self, turn):
        """Arguments of a rekey, and the key that is not needed any more after it."""
        more = ["--new-data-keys"] if turn % 4 == 3 else []
        if turn % 2 == 0:
            self.store.ask("rotate", self.volume.key)
            return more, None
        former = self.volume.key
        self.store.ask("enable", self.other)
        self.volume.use(self.store, self.other)
        self.other = former
        return ["--to-key", self.volume.key, *more], former

    def test_nothing_is_lost_and_nothing_left_behind(self):
        restic = Restic(self.place, self.volume.path())
        writers = self.start_writers()
        restic.start()
        self.addCleanup(restic.stopped.set)
        for turn in range(ROUNDS):
            time.sleep(self.random.random())
            arguments, former = self.change(turn)
            answer = self.volume.rekey("--jobs", str(self.random.randint(1, 4)), *arguments)
            self.assertTrue(answer["complete"], answer)
            self.materials.add(answer["material"])
            print(f"turn {turn}: {answer['files']} files, {answer['passes']} passes, {answer['rewrapped']} re-wrapped, "
                  f"{answer['renewed']} renewed, {answer['milliseconds']} ms", flush=True)
            self.nothing_is_left(writers, answer["material"])
            if former:
                self.assertIn(former, answer["may_be_disabled"])
                self.store.ask("disable", former)
                time.sleep(1.2)
        with open(self.stop_file, "w"):
            pass
        expected = {f"writer {number}": self.result_of(writer) for number, writer in enumerate(writers)}
        restic.stop()
        self.verify(expected)
        self.verify_backups(restic, expected)

    def result_of(self, writer):
        expected, steps, error = writer.stop()
        self.assertIsNone(error, error)
        print(steps, flush=True)
        return expected

    def verify(self, expected):
        self.volume.remount()
        for name, tree in expected.items():
            self.assertEqual(tree, found_in(self.volume.path(name)), name)
        self.assertEqual("", trees.differences(self.still, trees.describe(self.volume.path("still"))))
        self.volume.unmount()
        self.assertEqual([], [one for one in self.volume.check_findings() if one["severity"] != "leftover"])
        self.volume.mount()

    def verify_backups(self, restic, expected):
        restic.back_up({0})
        restic.must("check", "--read-data")
        last = restic.restored("latest")
        for name, tree in expected.items():
            self.assertEqual(tree, found_in(os.path.join(last, name)), name)
        self.assertEqual("", trees.differences(self.still, trees.describe(os.path.join(last, "still"))))
        print(f"{restic.backups} backups", flush=True)


if __name__ == "__main__":
    harness.main()
