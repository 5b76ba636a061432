"""`enfold rekey` under programs that have files open, without and with new data keys."""

import errno
import mmap
import os
import threading
import time

import harness
from rekey_volume import PAGE, KeyStore, RekeyVolume, Wraps

CACHE_S = 1.2
ROUNDS = 50 if harness.IS_LONG else 4
SECTOR = 4064
PREFIX = slice(0, 512)
SALT, COMMITMENT = slice(56, 88), slice(480, 512)


class Opened:
    """A file held open, and what must be in it."""

    def __init__(self, path, rng, size):
        self.rng, self.content = rng, bytearray(rng.randbytes(size))
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.pwrite(self.fd, self.content, 0)

    def write(self):
        """Somewhere within, or behind the end."""
        at = self.rng.randrange(len(self.content) + 1)
        data = self.rng.randbytes(self.rng.randint(1, 9000))
        self.content[at:at + len(data)] = data
        if os.pwrite(self.fd, data, at) != len(data):
            raise AssertionError("a short write")

    def cut(self):
        length = self.rng.randrange(len(self.content) + 5000)
        os.ftruncate(self.fd, length)
        self.content = self.content[:length].ljust(length, b"\0")

    def check(self):
        """Not from the kernel's pages."""
        os.fsync(self.fd)
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        if os.pread(self.fd, len(self.content) + 1, 0) != self.content:
            raise AssertionError("reads something else than what was written")

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
        self.fd = None


class Busy(threading.Thread):
    """Calls one function again and again."""

    def __init__(self, function):
        super().__init__()
        self.function, self.turns, self.error = function, 0, None
        self.stopped = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.stopped.is_set():
                self.function()
                self.turns += 1
        except BaseException as error:  # the test shows it
            self.error = error

    def stop(self):
        self.stopped.set()
        self.join()
        if self.error:
            raise self.error


class OpenFiles(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.store = KeyStore(self.place, "keys")
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        self.opened = {name: Opened(self.volume.path(name), self.random, size)
                       for name, size in (("writing", 300_000), ("reading", 4_000_000), ("no name", 200_000),
                                          ("no name, not used", 50_000), ("empty, no name", 0))}
        for opened in self.opened.values():
            self.addCleanup(opened.close)
        for name in self.opened:
            if "no name" in name:
                os.unlink(self.volume.path(name))
        self.map()

    def map(self):
        file = os.open(self.volume.path("mapped"), os.O_RDWR | os.O_CREAT)
        os.pwrite(file, bytes(100_000), 0)
        self.mapped = mmap.mmap(file, 100_000)
        self.addCleanup(self.mapped.close)
        os.close(file)

    def work(self):
        for name in ("writing", "no name", "empty, no name"):
            self.opened[name].write()
            self.opened[name].check()
        if self.random.random() < 0.1:
            self.opened["writing"].cut()
        self.opened["reading"].check()
        at = self.random.randrange(100_000)
        self.mapped[at:at + 1] = b"x"
        self.mapped.flush()

    def rekey_to_another_key(self, *arguments):
        before = Wraps(self.volume.lower)
        orphans = self.volume.nameless()
        self.assertEqual(3, len(orphans))
        blobs = {blob for orphan in orphans for blob in Wraps.in_bytes(orphan)}
        self.assertEqual(3, len(blobs))
        key, old = self.store.new_key(), self.volume.key
        busy = Busy(self.work)
        answer = self.volume.rekey("--to-key", key, *arguments)
        busy.stop()
        self.assertGreater(busy.turns, 0)
        self.assertIn(old, answer["may_be_disabled"])
        self.assertEqual([], before.left_in(self.volume.lower))
        for orphan in self.volume.nameless():
            self.assertFalse(blobs & set(Wraps.in_bytes(orphan)))
            self.assertNotIn(next(iter(before.materials())).encode(), orphan)
        self.store.ask("disable", old)
        self.volume.use(self.store, key)
        return answer

    def all_go_on(self):
        time.sleep(CACHE_S)
        for _ in range(5):
            self.work()
        for opened in self.opened.values():
            opened.check()
        contents = {name: bytes(opened.content) for name, opened in self.opened.items() if "no name" not in name}
        contents["mapped"] = self.mapped[:]
        for opened in self.opened.values():
            opened.close()
        self.mapped.close()
        self.assertEqual(contents.keys(), set(os.listdir(self.volume.path())))
        self.volume.remount()
        for name, content in contents.items():
            with open(self.volume.path(name), "rb") as file:
                self.assertTrue(file.read() == content, name)
        self.volume.unmount()
        self.assertEqual([], self.volume.check_findings())

    def test_go_on_under_another_key(self):
        for _ in range(ROUNDS):
            answer = self.rekey_to_another_key()
            self.assertEqual((6, 0), (answer["rewrapped"], answer["renewed"]))
        self.all_go_on()

    def test_go_on_with_new_data_keys(self):
        for _ in range(ROUNDS):
            answer = self.rekey_to_another_key("--new-data-keys")
            self.assertEqual((0, 6), (answer["rewrapped"], answer["renewed"]))
        self.all_go_on()


class NewDataKeys(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.store = KeyStore(self.place, "keys")
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        self.contents = {"f" * 200: 10_000, "large": 3_000_000, "empty": 0, "one": 1, "holes": 0}
        for name, size in self.contents.items():
            self.write(name, self.random.randbytes(size))
        os.truncate(self.volume.path("holes"), 5_000_000)
        self.contents["holes"] = bytes(5_000_000)
        self.volume.remount()
        self.before = self.volume.headers()
        self.assertEqual(5, len(self.before))

    def write(self, name, content):
        with open(self.volume.path(name), "wb") as file:
            file.write(content)
        self.contents[name] = content

    def read(self, name):
        with open(self.volume.path(name), "rb") as file:
            return file.read()

    def all_read(self):
        self.volume.remount()
        for name, content in self.contents.items():
            self.assertTrue(self.read(name) == content, name)

    def counts(self, answer):
        return answer["rewrapped"], answer["renewed"], answer["left"]

    def all_are_new(self):
        for path, now in self.volume.headers().items():
            self.assertNotEqual(self.before[path][SALT], now[SALT])
            self.assertNotEqual(self.before[path][COMMITMENT], now[COMMITMENT])
            told = self.volume.json("inspect", os.path.join(self.volume.lower, path))
            self.assertEqual(1, told["envelope"]["generation"])
            self.assertNotIn("former_envelope", told)
            self.assertFalse(told["state"]["between_two_data_keys"])

    def test_only_what_is_older_than_the_material_gets_one(self):
        self.assertEqual((0, 0, 0), self.counts(self.volume.rekey("--new-data-keys")))
        self.store.ask("rotate", self.volume.key)
        self.write("young", b"of the newer material")
        self.assertEqual((0, 5, 0), self.counts(self.volume.rekey("--new-data-keys")))
        os.unlink(self.volume.path("young"))
        del self.contents["young"]
        self.all_are_new()
        self.assertEqual((0, 0, 0), self.counts(self.volume.rekey("--new-data-keys")))
        self.all_read()

    def test_what_was_only_wrapped_anew_gets_one(self):
        for mounted in (True, False):
            with self.subTest(mounted=mounted):
                self.store.ask("rotate", self.volume.key)
                if not mounted:
                    self.volume.unmount()
                self.assertEqual((5, 0, 0), self.counts(self.volume.rekey()))
                for path, now in self.volume.headers().items():
                    self.assertEqual(self.before[path][PREFIX], now[PREFIX])
                self.assertEqual((0, 5, 0), self.counts(self.volume.rekey("--new-data-keys")))
                self.all_are_new()
                if not mounted:
                    self.volume.mount()
                self.all_read()
                self.before = self.volume.headers()

    def test_old_headers_and_old_sectors_do_not_read(self):
        """As somebody would put them back who kept them, and the old data key."""
        path = self.volume.lower_of(self.volume.path("large"))
        with open(path, "rb") as file:
            old = file.read()
        self.store.ask("rotate", self.volume.key)
        self.volume.rekey("--new-data-keys")
        self.volume.unmount()
        with open(path, "rb") as file:
            new = file.read()
        for start, end in ((0, PAGE), (PAGE, 2 * PAGE), (5 * PAGE, len(old))):
            with open(path, "r+b") as file:
                file.write(new[:start] + old[start:end] + new[end:])
            self.volume.mount()
            self.assert_raises_errno(errno.EIO, self.read, "large")
            self.volume.unmount()
        with open(path, "r+b") as file:
            file.write(new)
        self.volume.mount()
        self.all_read()

    def test_a_damaged_sector_keeps_a_file_between_two_data_keys_until_it_is_put_right(self):
        path = self.volume.lower_of(self.volume.path("large"))
        with open(path, "r+b") as file:
            good = os.pread(file.fileno(), PAGE, 400 * PAGE)
            os.pwrite(file.fileno(), bytes([good[100] ^ 1]), 400 * PAGE + 100)
        old = self.volume.key
        key = self.store.new_key()
        answer = self.volume.rekey("--new-data-keys", "--to-key", key, code=3)
        self.assertEqual((0, 4, 1), self.counts(answer))
        self.assertFalse(answer["complete"])
        self.assertEqual([], answer["may_be_disabled"])
        (finding,) = answer["findings"]
        self.assertEqual(("damage", "/large", os.path.basename(path)),
                         tuple(finding[name] for name in ("severity", "path", "lower_path")))
        self.assertTrue(self.volume.json("inspect", path)["state"]["between_two_data_keys"])
        self.assertTrue(self.volume.json("status", self.volume.lower)["rekeying"])
        self.volume.use(self.store, key)
        self.volume.remount()
        file = os.open(self.volume.path("large"), os.O_RDWR)
        self.assertEqual(self.contents["large"][:300 * SECTOR], os.pread(file, 300 * SECTOR, 0))
        self.assert_raises_errno(errno.EIO, os.pread, file, 1, 399 * SECTOR + 5)
        os.close(file)
        self.volume.unmount()
        with open(path, "r+b") as file:
            os.pwrite(file.fileno(), good, 400 * PAGE)
        answer = self.volume.rekey("--new-data-keys")
        self.assertEqual((0, 1, 0), self.counts(answer))
        self.assertEqual([old], answer["may_be_disabled"])
        self.store.ask("disable", old)
        self.volume.mount()
        self.all_are_new()
        self.all_read()


if __name__ == "__main__":
    harness.main()
