"""telldir and seekdir over a directory that changes while it is read: what is there all the time is seen exactly
once."""

import ctypes
import os
import struct

import harness

libc = harness.libc
libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
libc.readdir.argtypes = libc.closedir.argtypes = libc.telldir.argtypes = libc.rewinddir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]

_SYS_GETDENTS64 = 217
_NAME_AT = 19  # of a struct dirent64: ino 8, off 8, reclen 2, type 1


class Stream:
    """A DIR*."""

    def __init__(self, path):
        self.pointer = libc.opendir(os.fsencode(path))
        assert self.pointer, path

    def next(self):
        """The next name, None at the end."""
        entry = libc.readdir(self.pointer)
        return os.fsdecode(ctypes.string_at(entry + _NAME_AT)) if entry else None

    def rest(self):
        names = []
        while (name := self.next()) is not None:
            names.append(name)
        return names

    def tell(self):
        return libc.telldir(self.pointer)

    def seek(self, position):
        libc.seekdir(self.pointer, position)

    def rewind(self):
        libc.rewinddir(self.pointer)

    def close(self):
        libc.closedir(self.pointer)


def getdents(descriptor, size):
    """[(name, the position after it)], a part of the listing as long as fits in that many bytes."""
    buffer = ctypes.create_string_buffer(size)
    length = harness.check_libc(libc.syscall(_SYS_GETDENTS64, descriptor, buffer, size), "getdents64")
    found, at = [], 0
    while at < length:
        _, position, record, _ = struct.unpack_from("<QqHB", buffer, at)
        found.append((os.fsdecode(ctypes.string_at(ctypes.addressof(buffer) + at + _NAME_AT)), position))
        at += record
    return found


class Listing(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        self.folder = self.volume.path("folder")
        os.mkdir(self.folder)
        self.stay = {f"stays-{number}" + "-long" * (number % 7 == 0) * 40 for number in range(400)}
        self.come_and_go = set()
        self.number = 0
        for name in self.random.sample(sorted(self.stay), len(self.stay)):
            self.make(name)
            if self.random.random() < 0.5:
                self.add()

    def make(self, name):
        os.close(os.open(os.path.join(self.folder, name), os.O_CREAT | os.O_EXCL))

    def add(self):
        self.number += 1
        name = f"comes-{self.number}" + "x" * self.random.choice([0, 0, 200])
        self.make(name)
        self.come_and_go.add(name)

    def change(self):
        """Adds, removes or renames something that need not be listed."""
        kind = self.random.random()
        if kind < 0.4 or not self.come_and_go:
            self.add()
            return
        name = self.random.choice(sorted(self.come_and_go))
        self.come_and_go.remove(name)
        if kind < 0.8:
            os.unlink(os.path.join(self.folder, name))
        else:
            new = f"renamed-{self.number}"
            self.number += 1
            os.rename(os.path.join(self.folder, name), os.path.join(self.folder, new))
            self.come_and_go.add(new)

    def assert_each_once(self, names):
        stayed = [name for name in names if name.startswith("stays-")]
        self.assertEqual(sorted(self.stay), sorted(stayed))

    def open(self):
        stream = Stream(self.folder)
        self.addCleanup(stream.close)
        return stream

    def test_what_stays_is_seen_exactly_once_while_the_rest_changes(self):
        for _ in range(20):
            stream, names = self.open(), []
            while (name := stream.next()) is not None:
                names.append(name)
                if self.random.random() < 0.2:
                    self.change()
            self.assert_each_once(names)

    def test_seeking_to_where_one_was_goes_on_from_there(self):
        for _ in range(10):
            stream, before, marks = self.open(), [], []
            while True:
                marks.append((stream.tell(), list(before)))
                if (name := stream.next()) is None:
                    break
                before.append(name)
                if self.random.random() < 0.1:
                    self.change()
            for position, seen in self.random.sample(marks, 20):
                self.change()
                stream.seek(position)
                self.assert_each_once(seen + stream.rest())

    def test_a_position_holds_for_another_descriptor_and_over_a_remount(self):
        for remount in (False, True, False):
            first = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            seen, marks = [], [(0, 0)]
            while part := getdents(first, 2000):
                seen += [name for name, _ in part]
                marks.append((part[-1][1], len(seen)))
                self.change()
            os.close(first)
            self.assert_each_once(seen)
            if remount:
                self.volume.remount()
            for position, count in self.random.sample(marks, min(15, len(marks))):
                self.change()
                self.assert_each_once(seen[:count] + self.rest_from(position))

    def rest_from(self, position):
        names = []
        fresh = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        os.lseek(fresh, position, os.SEEK_SET)
        while part := getdents(fresh, self.random.choice([1000, 4000, 30_000])):
            names += [name for name, _ in part]
        os.close(fresh)
        return names

    def test_rewinding_shows_what_came_meanwhile(self):
        stream = self.open()
        stream.rest()
        for _ in range(30):
            self.change()
        stream.rewind()
        names = stream.rest()
        self.assertEqual(sorted(self.stay | self.come_and_go | {".", ".."}), sorted(names))

    def test_removing_all_while_listing_leaves_nothing(self):
        names = self.stay | self.come_and_go
        stream = self.open()
        while (name := stream.next()) is not None:
            if name not in (".", ".."):
                os.unlink(os.path.join(self.folder, name))
                names.remove(name)
        self.assertEqual(set(), names)
        os.rmdir(self.folder)


if __name__ == "__main__":
    harness.main()
