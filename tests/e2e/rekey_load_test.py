"""`enfold rekey` again and again, beside eight writers and restic. ENFOLD_LONG=1: for a long time."""

import os
import random
import signal
import threading
import time
import traceback

import harness
import trees
from rekey_volume import KeyStore, RekeyVolume, Wraps
from rekey_writer import Writer, found_in

WRITERS = 8
ROUNDS = 150 if harness.IS_LONG else 8
MOVED_ROUNDS, STILL = 300 if harness.IS_LONG else 12, 150


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


class Mover:
    """A process that moves files and directories of its own between directories that it shares, as fast as it can."""

    FILES, FOLDERS, IN_EACH = 8, 3, 4

    def __init__(self, root, shared, number, seed, stop_file):
        self.root, self.shared, self.rng, self.stop_file = root, shared, random.Random(seed), stop_file
        self.at = {}
        for index in range(self.FILES + self.FOLDERS):
            name = f"{number}-{index}" + "-long" * 40 * (index % 4 == 0)
            self.at[name] = self.rng.choice(shared)
            if index < self.FILES:
                self.write(self.at[name], name)
            else:
                os.mkdir(self.path(name))
                for inside in range(self.IN_EACH):
                    self.write(self.at[name], name, str(inside))

    def path(self, name):
        return os.path.join(self.root, self.at[name], name)

    def write(self, *names):
        with open(os.path.join(self.root, *names), "wb") as file:
            file.write(names[-1].encode())

    def start(self):
        self.child = os.fork()
        if self.child == 0:
            try:
                self.move_all()
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        return self

    def move_all(self):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        names = sorted(self.at)
        while not os.path.exists(self.stop_file):
            for name in self.rng.choices(names, k=50):
                old = self.path(name)
                self.at[name] = self.rng.choice(self.shared)
                os.rename(old, self.path(name))

    def signal(self, number):
        os.kill(self.child, number)


class UnderMoves(harness.MountedTest):
    """A few are moved many times while a pass goes over many others."""

    def test_what_moves_is_not_missed(self):
        store = KeyStore(self.place, "keys")
        volume = RekeyVolume(self.place, store).init().mount()
        stop_file = os.path.join(self.place.path, "stop")
        shared = [f"shared {number}" for number in range(12)]
        for name in shared:
            os.mkdir(volume.path(name))
            for number in range(STILL):
                with open(volume.path(name, str(number)), "wb"):
                    pass
        movers = [Mover(volume.path(), shared, number, self.random.random(), stop_file) for number in range(4)]
        for mover in movers:
            self.addCleanup(end, mover.start().child)
        for turn in range(MOVED_ROUNDS):
            old = volume.key
            volume.use(store, store.new_key())
            answer = volume.rekey("--jobs", str(self.random.randint(1, 4)), "--to-key", volume.key)
            hold(movers, signal.SIGSTOP)
            try:
                # The first one finds all, the second one that it did.
                self.assertEqual((2, True), (answer["passes"], answer["complete"]), f"turn {turn}, {answer}")
                self.assertIn(old, answer["may_be_disabled"])
                self.assertEqual({answer["material"]}, Wraps(volume.lower).materials(), answer)
            finally:
                hold(movers, signal.SIGCONT)
        with open(stop_file, "w"):
            pass
        for mover in movers:
            self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(mover.child, 0)[1]))
        found = found_in(volume.path())
        self.assertEqual(len(shared) * STILL + len(movers) * (Mover.FILES + Mover.FOLDERS * Mover.IN_EACH),
                         sum(map(bool, found.values())))
        volume.unmount()
        self.assertEqual([], volume.check_findings())


def hold(processes, number):
    """Returns when nothing is under way any more."""
    for process in processes:
        process.signal(number)
    while number == signal.SIGSTOP and not all(is_held(process.child) for process in processes):
        time.sleep(0.001)


def is_held(process):
    with open(f"/proc/{process}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0] in (b"T", b"Z")


def end(child):
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


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
            self.addCleanup(end, writers[-1].child)
        return writers

    def nothing_is_left(self, writers, material):
        """Nothing is under another material, with all writers held still for the moment; nor are open files without
        a name."""
        hold(writers, signal.SIGSTOP)
        try:
            status = self.volume.rekey("--status")
            self.assertTrue(status["complete"], status)
            self.assertEqual({material}, Wraps(self.volume.lower).materials())
            self.assertEqual([], self.volume.files_that_name(self.materials - {material}))
            for content in self.volume.nameless():
                self.assertEqual({material}, {Wraps.material_of(blob) for blob in Wraps.in_bytes(content)})
        finally:
            hold(writers, signal.SIGCONT)

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
