"""Descriptors of files that were unlinked or renamed over: what is done through them is done to the file, never to its
successor of the same name. ENFOLD_LONG=1 takes more turns. Needs root, to change owners."""

import ctypes
import os
import stat
import threading

import harness

THREADS = 6
TURNS = 3000 if harness.IS_LONG else 150
_PUNCH, _KEEP_SIZE = 2, 1

harness.libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def fallocate(descriptor, mode, start, length):
    harness.check_libc(harness.libc.fallocate(descriptor, mode, start, length), "fallocate")


class File:
    """An open file, and what it should be. It need not have a name."""

    def __init__(self, path, rng, flags=os.O_CREAT | os.O_EXCL):
        self.random = rng
        self.descriptor = os.open(path, os.O_RDWR | flags, 0o644)
        self.content = bytearray()
        self.mode, self.owner, self.mtime, self.note = 0o644, (0, 0), None, None
        self.change_anything()

    def verify(self):
        facts = os.fstat(self.descriptor)
        note = os.getxattr(self.descriptor, "user.note") if "user.note" in os.listxattr(self.descriptor) else None
        content = os.pread(self.descriptor, len(self.content) + 1, 0)
        found = (stat.S_IMODE(facts.st_mode), (facts.st_uid, facts.st_gid), facts.st_size, note, content)
        expected = (self.mode, self.owner, len(self.content), self.note, bytes(self.content))
        if found != expected:
            raise AssertionError(f"expected {expected[:4]}, found {found[:4]}, content equal: {content == expected[4]}")
        if self.mtime is not None and facts.st_mtime_ns != self.mtime:
            raise AssertionError(f"expected mtime {self.mtime}, found {facts.st_mtime_ns}")

    def verify_closed(self, path):
        """Through a fresh descriptor, after the old one is of no use."""
        self.descriptor = os.open(path, os.O_RDONLY)
        try:
            self.verify()
        finally:
            os.close(self.descriptor)

    def change_anything(self):
        self.random.choice([self._write, self._write, self._truncate, self._chmod, self._chown, self._times, self._note,
                            self._allocate, self._punch, self._sync, self._map])()

    def _write(self):
        start = self.random.randrange(20_000)
        piece = self.random.randbytes(self.random.choice([1, 100, 4064, 9000]))
        os.pwrite(self.descriptor, piece, start)
        self._grow(start + len(piece))
        self.content[start:start + len(piece)] = piece
        self._written()

    def _written(self):
        self.mtime = None

    def _grow(self, length):
        self.content.extend(bytes(max(0, length - len(self.content))))

    def _truncate(self):
        length = self.random.randrange(20_000)
        os.ftruncate(self.descriptor, length)
        del self.content[length:]
        self._grow(length)
        self._written()

    def _allocate(self):
        start, length = self.random.randrange(20_000), self.random.randint(1, 9000)
        fallocate(self.descriptor, 0, start, length)
        self._grow(start + length)
        self._written()

    def _punch(self):
        start, length = self.random.randrange(20_000), self.random.randint(1, 9000)
        fallocate(self.descriptor, _PUNCH | _KEEP_SIZE, start, length)
        end = min(start + length, len(self.content))
        self.content[start:end] = bytes(max(0, end - start))
        self._written()

    def _chmod(self):
        self.mode = self.random.choice([0o600, 0o644, 0o755, 0o400, 0o000])
        os.fchmod(self.descriptor, self.mode)

    def _chown(self):
        self.owner = (self.random.randint(0, 3000), self.random.randint(0, 3000))
        os.fchown(self.descriptor, *self.owner)

    def _times(self):
        self.mtime = self.random.randint(10**18, 17 * 10**17)
        os.utime(self.descriptor, ns=(self.mtime, self.mtime))

    def _note(self):
        self.note = self.random.randbytes(self.random.randint(0, 200))
        os.setxattr(self.descriptor, "user.note", self.note)

    def _sync(self):
        os.fsync(self.descriptor)

    def _map(self):
        """Another descriptor of the same file, by way of /proc."""
        other = os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDONLY)
        try:
            if os.pread(other, len(self.content) + 1, 0) != self.content:
                raise AssertionError("another descriptor of the file reads other bytes")
        finally:
            os.close(other)


class Replacer(threading.Thread):
    """Puts file after file at one name, keeps descriptors of the former ones, and changes and verifies all."""

    def __init__(self, folder, number, seed):
        super().__init__()
        self.random = harness.random.Random(seed)
        self.path = os.path.join(folder, f"name-{number}" + "-long" * 45 * (number % 2))
        self.spare = os.path.join(folder, f"spare-{number}")
        self.current, self.gone = None, []
        self.error = None

    def run(self):
        try:
            self.current = File(self.path, self.random)
            for _ in range(TURNS):
                self._turn()
            for file in self.gone:
                file.verify()
                os.close(file.descriptor)
            self.current.verify()
            os.close(self.current.descriptor)
        except BaseException as error:  # the test shows it
            self.error = error

    def _turn(self):
        if self.random.random() < 0.3:
            self._replace()
        for file in self.random.sample(self.gone, min(3, len(self.gone))) + [self.current]:
            file.change_anything()
        for file in self.gone + [self.current]:
            file.verify()
        self.verify_name()

    def _replace(self):
        kind = self.random.random()
        self.gone.append(self.current)
        if kind < 0.4:
            os.unlink(self.path)
            self.current = File(self.path, self.random)
        elif kind < 0.8:
            self.current = File(self.spare, self.random)
            os.rename(self.spare, self.path)
        else:  # it keeps another name, and goes with that one
            os.link(self.path, self.spare)
            os.unlink(self.path)
            self.current = File(self.path, self.random)
            os.unlink(self.spare)
        for file in self.gone:
            if os.fstat(file.descriptor).st_nlink != 0:
                raise AssertionError("a file without a name counts one")
        if len(self.gone) > 5:
            os.close(self.gone.pop(self.random.randrange(len(self.gone))).descriptor)

    def verify_name(self):
        """The name leads to the newest file."""
        if not os.path.samestat(os.stat(self.path), os.fstat(self.current.descriptor)):
            raise AssertionError("the name leads to another file")


class Descriptors(harness.MountedTest):
    def test_what_is_done_to_a_file_without_a_name_is_done_to_no_other(self):
        volume = self.new_volume()
        os.mkdir(volume.path("folder"))
        workers = [Replacer(volume.path("folder"), number, self.random.random()) for number in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual([None] * THREADS, [worker.error for worker in workers])
        volume.remount()
        self.assertEqual(sorted(os.path.basename(worker.path) for worker in workers),
                         sorted(os.listdir(volume.path("folder"))))
        for worker in workers:
            worker.current.verify_closed(worker.path)
        volume.unmount()
        volume.must_be_clean()

    def test_a_descriptor_of_a_removed_directory_leads_nowhere_and_not_to_its_successor(self):
        volume = self.new_volume()
        path = volume.path("directory")
        os.mkdir(path)
        old = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, old)
        os.rmdir(path)
        os.mkdir(path, 0o755)
        os.fchmod(old, 0o700)
        os.fchown(old, 12, 13)
        os.utime(old, ns=(1, 10**18))
        self.assertEqual([], os.listdir(old))
        with self.assertRaises(FileNotFoundError):
            os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=old)
        with self.assertRaises(FileNotFoundError):
            os.mkdir("folder", dir_fd=old)
        facts = os.stat(path)
        self.assertEqual((0o755, 0, 0), (stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid))
        self.assertNotEqual(10**18, facts.st_mtime_ns)
        self.assertEqual(10**18, os.fstat(old).st_mtime_ns)
        self.assertEqual([], os.listdir(path))


if __name__ == "__main__":
    harness.main(needs_root=True)
