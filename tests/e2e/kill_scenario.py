"""A fixed history of a volume, for tests that end or hinder its mount at each call below in turn."""

import os
import random
import time

from crash_history import KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE, Worker

_LONG, _LONGER = "l" * 200, "m" * 240


class Scenario(Worker):
    """Every path is below the mount point."""

    def __init__(self, path):
        super().__init__(path, random.Random(0))
        self.pause_s = 0

    def place(self, path):
        """(directory, name, path) of an entry, which may not exist yet."""
        directory = self.log.root
        *above, name = path.split("/")
        for one in above:
            directory = self.log.names[directory][one]
        return directory, name, f"{self.path}/{path}"

    def known(self, path):
        """(directory, name, object, path) of an entry."""
        directory, name, whole = self.place(path)
        return directory, name, self.log.names[directory][name], whole

    def make(self, path, length, sync=False):
        place = self.place(path)
        self.keep(self.open_new(*place), self.known(path), lambda fd, file: self.append(fd, file, length), sync)

    def change(self, path, function, sync=False):
        known = self.known(path)
        self.keep(os.open(known[3], os.O_RDWR), known, function, sync)

    def keep(self, fd, known, function, sync):
        try:
            function(fd, known[2])
            if sync:
                self.fsync(fd, known[2], known[0])
        finally:
            os.close(fd)

    def append(self, fd, file, length):
        if length:
            self.pwrite(fd, file, len(file.content), self.rng.randbytes(length))

    def put(self, offset, length):
        return lambda fd, file: self.pwrite(fd, file, offset, self.rng.randbytes(length))

    def hole(self, mode, offset, length):
        return lambda fd, file: self.fallocate(fd, file, mode, offset, length)

    def sync_folder(self, path):
        """"" is the root."""
        directory = self.known(path)[2] if path else self.log.root
        self.sync_directory((directory, f"{self.path}/{path}"))

    def before(self):
        """What is there from an earlier mount."""
        for name in ("old", "older", "shrinks", "punched"):
            self.make(name, 30_000)
        self.make_directory(*self.place("folder"))
        self.make("folder/inside", 100)
        self.make_directory(*self.place("empty"))

    def run(self):
        self.files()
        time.sleep(self.pause_s)
        self.names()
        self.directories()

    def files(self):
        self.make("plain", 10_000, sync=True)
        self.change("plain", lambda fd, file: self.append(fd, file, 3000))
        self.make("small", 10)
        self.change("old", self.put(4000, 200))
        self.change("old", lambda fd, file: self.append(fd, file, 9000), sync=True)
        self.truncate_to(f"{self.path}/shrinks", self.known("shrinks")[2], 10_000)
        self.change("shrinks", lambda fd, file: self.append(fd, file, 5000))
        self.truncate_to(f"{self.path}/plain", self.known("plain")[2], 5)
        self.truncate_to(f"{self.path}/plain", self.known("plain")[2], 40_000)
        self.change("plain", self.put(20_000, 6000))
        self.change("small", self.put(50_000, 100), sync=True)
        self.change("punched", self.hole(PUNCH_HOLE, 3000, 9000))
        self.change("punched", self.put(5000, 5000))
        self.change("punched", self.hole(ZERO_RANGE, 20_000, 20_000), sync=True)
        self.change("punched", self.hole(KEEP_SIZE, 20_000, 20_000))
        self.set_note(f"{self.path}/small", self.known("small")[2], b"a note")

    def names(self):
        self.make("temporary", 5000, sync=True)
        self.move(self.place("temporary"), self.place("old"))
        self.make(_LONG, 700, sync=True)
        self.move(self.place(_LONG), self.place(_LONGER))
        self.make_link(self.known(_LONGER), *self.place("linked"))
        self.make_symlink(*self.place("symlink"), "here")
        self.make_symlink(*self.place("new symlink"), "t" * 500)
        self.move(self.place("new symlink"), self.place("symlink"))
        self.sync_folder("")
        self.remove(self.known("older"))
        self.remove(self.known(_LONGER))

    def directories(self):
        self.make_directory(*self.place("a"))
        self.make_directory(*self.place("a/b"))
        self.make_directory(*self.place("a/b/" + _LONG))
        self.make(f"a/b/{_LONG}/file", 100, sync=True)
        self.move(self.place("a/b"), self.place("folder/b"))
        self.move(self.place("a"), self.place("empty"))
        self.make_directory(*self.place("passing"))
        self.sync_folder("folder")
        self.take_away(self.known("passing"))
        self.make("last", 6000)
