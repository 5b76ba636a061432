"""A worker that does random things to a directory of its own until it is told to stop, and logs them."""

import ctypes
import errno
import mmap
import os
import threading

import crash_log
import harness
from crash_log import Directory, File, Symlink
from crash_tree import XATTR

_NAMES = [f"name-{number}" for number in range(8)] + [letter * 200 for letter in "abcd"] + ["\u4e16" * 75]
_MOST_FILES = 40
_MOST_DIRECTORIES = 12
_MOST_BYTES = 130_000
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2 | 1, 16 | 1  # modes of fallocate(2)


class Worker:
    """Logs to `log`; it can be stopped and started again."""

    def __init__(self, path, rng):
        self.path, self.rng, self.log = path, rng, crash_log.Log()
        self.serial = 0

    def run_until(self, stopped):
        steps = [(self.create, 10), (self.write, 16), (self.truncate, 6), (self.store, 5), (self.sync, 8),
                 (self.sync_directory, 4), (self.rename, 6), (self.replace, 6), (self.make_directories, 3),
                 (self.rename_directory, 2), (self.remove_directory, 2), (self.symlink, 4), (self.link, 3),
                 (self.unlink, 5), (self.set_xattr, 4), (self.write_in_pieces, 4), (self.punch, 5), (self.reserve, 2)]
        functions, weights = zip(*steps)
        while not stopped.is_set():
            self.rng.choices(functions, weights)[0]()
            stopped.wait(self.rng.choice([0, 0, 0, 0.002, 0.01]))

    # Choosing

    def directories(self):
        """All, as (directory, its path); the root first."""
        found = [(self.log.root, self.path)]
        for directory, path in found:
            found += [(thing, f"{path}/{name}") for name, thing in self.log.names[directory].items()
                      if type(thing) is Directory]
        return found

    def things(self, kind):
        return [(directory, name, thing, f"{path}/{name}") for directory, path in self.directories()
                for name, thing in self.log.names[directory].items() if type(thing) is kind]

    def free_place(self):
        """(directory, name, path) of a new entry."""
        directory, path = self.rng.choice(self.directories())
        name = self.rng.choice(_NAMES)
        while name in self.log.names[directory]:
            self.serial += 1
            name = f"{name[:1]}{self.serial}"
        return directory, name, f"{path}/{name}"

    def data(self, most):
        return self.rng.randbytes(int(2 ** self.rng.uniform(0, most.bit_length() - 1)))

    def some_file(self):
        files = self.things(File)
        return self.rng.choice(files) if files else None

    # Files

    def create(self):
        if len(self.things(File)) >= _MOST_FILES:
            return self.unlink()
        directory, name, path = self.free_place()
        fd = self.open_new(directory, name, path)
        self.fill(fd, self.log.names[directory][name], directory)
        return os.close(fd)

    def open_new(self, directory, name, path):
        number = self.log.begin(f"create {name}", (directory, name, File()))
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        self.log.end(number)
        return fd

    def fill(self, fd, file, directory, sync=None):
        for _ in range(self.rng.choice([0, 1, 1, 1, 3])):
            self.pwrite(fd, file, len(file.content), self.data(_MOST_BYTES // 4))
        if sync or (sync is None and self.rng.random() < 0.5):
            self.fsync(fd, file, directory)

    def pwrite(self, fd, file, offset, data):
        data = data[:max(0, _MOST_BYTES - offset)]
        if data:
            number = self.log.begin(f"write {len(data)} at {offset}")
            before = file.content, len(file.changes)
            file.write(number, offset, data)
            written = os.pwrite(fd, data, offset)
            if written != len(data):
                file.take_back(*before)
                file.write(number, offset, data[:written])
            self.log.end(number)
            if written != len(data):  # the rest failed, which does not say that nothing of it is there
                file.write(self.log.begin("write the rest"), offset + written, data[written:])
                raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")

    def fsync(self, fd, thing, directory):
        number = self.log.begin_sync("fsync", thing, directory)
        os.fsync(fd)
        self.log.end(number)

    def write(self):
        chosen = self.some_file()
        if not chosen:
            return
        directory, _, file, path = chosen
        fd = os.open(path, os.O_RDWR)
        self.write_somewhere(fd, file)
        if self.rng.random() < 0.3:
            self.fsync(fd, file, directory)
        os.close(fd)

    def write_somewhere(self, fd, file):
        length = len(file.content)
        offset = self.rng.choice([length, length, self.rng.randint(0, length), self.rng.randint(0, length),
                                  length + self.rng.randint(1, 60_000)])
        self.pwrite(fd, file, offset, self.data(20_000))

    def write_in_pieces(self):
        """As a log or a mail spool: small appends through one descriptor, some of them synced."""
        chosen = self.some_file()
        if not chosen:
            return
        directory, _, file, path = chosen
        fd = os.open(path, os.O_RDWR)
        for _ in range(self.rng.randint(2, 12)):
            self.pwrite(fd, file, len(file.content), self.data(500))
            if self.rng.random() < 0.3:
                self.fsync(fd, file, directory)
        os.close(fd)

    def truncate(self):
        chosen = self.some_file()
        if not chosen:
            return
        _, _, file, path = chosen
        length = self.rng.choice([0, self.rng.randint(0, len(file.content)), self.rng.randint(0, len(file.content)),
                                  self.rng.randint(0, _MOST_BYTES)])
        self.truncate_to(path, file, length)

    def truncate_to(self, path, file, length):
        number = self.log.begin(f"truncate to {length}")
        file.truncate(number, length)
        os.truncate(path, length)
        self.log.end(number)

    def punch(self):
        """Sometimes by FALLOC_FL_ZERO_RANGE; sometimes filled again at once."""
        chosen = self.some_file()
        if not chosen or not chosen[2].content:
            return
        directory, _, file, path = chosen
        fd = os.open(path, os.O_RDWR)
        for _ in range(self.rng.randint(1, 4)):
            offset = self.rng.choice([0, self.rng.randrange(len(file.content))])
            size = self.rng.randint(1, 40_000)
            mode = self.rng.choice([PUNCH_HOLE, PUNCH_HOLE, ZERO_RANGE])
            self.fallocate(fd, file, mode, offset, size)
            if self.rng.random() < 0.3:
                self.fsync(fd, file, directory)
            if self.rng.random() < 0.5:
                self.pwrite(fd, file, offset, self.data(20_000))
        os.close(fd)

    def reserve(self):
        chosen = self.some_file()
        if chosen:
            fd = os.open(chosen[3], os.O_RDWR)
            self.fallocate(fd, chosen[2], KEEP_SIZE, self.rng.randrange(_MOST_BYTES), self.rng.randint(1, 40_000))
            os.close(fd)

    def fallocate(self, fd, file, mode, offset, size):
        number = self.log.begin(f"fallocate {mode} of {size} at {offset}")
        if mode != KEEP_SIZE:
            file.zero(number, offset, size)
        harness.check_libc(harness.libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(size)), "fallocate")
        self.log.end(number)

    def store(self):
        chosen = self.some_file()
        if not chosen or not chosen[2].content:
            return
        directory, _, file, path = chosen
        fd = os.open(path, os.O_RDWR)
        with mmap.mmap(fd, 0) as mapping:
            offset = self.rng.randrange(len(file.content))
            data = self.data(12_000)[:len(file.content) - offset]
            number = self.log.begin(f"store {len(data)} at {offset}")
            file.store(number, offset, data)
            mapping[offset:offset + len(data)] = data
            self.log.end(number)
            if self.rng.random() < 0.5:
                number = self.log.begin_sync("msync", file, directory)
                mapping.flush()
                self.log.end(number)
        os.close(fd)

    def sync(self):
        chosen = self.some_file()
        if chosen:
            directory, _, file, path = chosen
            fd = os.open(path, os.O_RDONLY)
            self.fsync(fd, file, directory)
            os.close(fd)

    def set_xattr(self):
        chosen = self.some_file()
        if chosen:
            self.set_note(chosen[3], chosen[2], self.data(200))

    def set_note(self, path, file, value):
        number = self.log.begin("setxattr")
        file.xattrs.append((number, value))
        os.setxattr(path, XATTR, value)
        self.log.end(number)

    # Names

    def sync_directory(self, chosen=None):
        directory, path = chosen or self.rng.choice(self.directories())
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.fsync(fd, directory, self.log.parents[directory])
        finally:
            os.close(fd)

    def move(self, source, target):
        """Each is (directory, name, path)."""
        thing = self.log.names[source[0]][source[1]]
        victim = self.log.names[target[0]].get(target[1])
        if thing is victim:
            return
        number = self.log.begin(f"rename {source[1]} to {target[1]}", (source[0], source[1], None),
                                (target[0], target[1], thing))
        os.rename(source[2], target[2])
        self.log.end(number)

    def rename(self):
        things = self.things(File) + self.things(Symlink)
        if not things:
            return
        directory, name, _, path = self.rng.choice(things)
        target = self.free_place()
        if self.rng.random() < 0.5:
            target_directory, target_name, _, target_path = self.rng.choice(things)
            target = target_directory, target_name, target_path
        self.move((directory, name, path), target)

    def replace(self):
        """As programs save: a new file, fsync, rename over the old one, perhaps fsync of the directory."""
        chosen = self.some_file()
        if not chosen:
            return
        directory, name, _, path = chosen
        temporary = self.free_place()
        fd = self.open_new(*temporary)
        self.fill(fd, self.log.names[temporary[0]][temporary[1]], temporary[0], sync=self.rng.random() < 0.8)
        os.close(fd)
        self.move(temporary, (directory, name, path))
        if self.rng.random() < 0.4:
            self.sync_directory((directory, os.path.dirname(path)))

    def symlink(self):
        directory, name, path = self.free_place()
        self.make_symlink(directory, name, path, "t" * self.rng.choice([1, 10, 300]) + str(self.serial))
        others = self.things(Symlink)
        if self.rng.random() < 0.5:
            target_directory, target_name, _, target_path = self.rng.choice(others)
            self.move((directory, name, path), (target_directory, target_name, target_path))
        if self.rng.random() < 0.3:
            self.sync_directory((directory, os.path.dirname(path)))
        if len(others) > 10:
            self.remove(self.rng.choice(self.things(Symlink)))

    def make_symlink(self, directory, name, path, target):
        number = self.log.begin(f"symlink {name}", (directory, name, Symlink(target)))
        os.symlink(target, path)
        self.log.end(number)

    def link(self):
        chosen = self.some_file()
        if chosen:
            self.make_link(chosen, *self.free_place())

    def make_link(self, chosen, directory, name, path):
        number = self.log.begin(f"link {chosen[1]} {name}", (directory, name, chosen[2]))
        os.link(chosen[3], path)
        self.log.end(number)

    def unlink(self):
        chosen = self.some_file()
        if chosen:
            self.remove(chosen)

    def remove(self, chosen):
        directory, name, _, path = chosen
        number = self.log.begin(f"unlink {name}", (directory, name, None))
        os.unlink(path)
        self.log.end(number)

    # Directories

    def make_directories(self):
        """mkdir -p, and a file in the deepest."""
        if len(self.directories()) >= _MOST_DIRECTORIES:
            return
        directory, name, path = self.free_place()
        for _ in range(self.rng.randint(1, 3)):
            self.make_directory(directory, name, path)
            directory, name = self.log.names[directory][name], self.rng.choice(_NAMES)
            path = f"{path}/{name}"
        if self.rng.random() < 0.7:
            fd = self.open_new(directory, name, path)
            self.fill(fd, self.log.names[directory][name], directory)
            os.close(fd)

    def make_directory(self, directory, name, path):
        number = self.log.begin(f"mkdir {name}", (directory, name, Directory()))
        os.mkdir(path)
        self.log.end(number)

    def rename_directory(self):
        directories = self.things(Directory)
        if not directories:
            return
        directory, name, thing, path = self.rng.choice(directories)
        empty = [one for one in directories if not self.log.names[one[2]] and one[2] is not thing]
        target = self.free_place()
        if empty and self.rng.random() < 0.5:
            target_directory, target_name, _, target_path = self.rng.choice(empty)
            target = target_directory, target_name, target_path
        above = target[0]
        while above is not None and above is not thing:
            above = self.log.parents[above]
        if above is None:
            self.move((directory, name, path), target)

    def remove_directory(self):
        empty = [one for one in self.things(Directory) if not self.log.names[one[2]]]
        if empty:
            self.take_away(self.rng.choice(empty))

    def take_away(self, chosen):
        directory, name, _, path = chosen
        number = self.log.begin(f"rmdir {name}", (directory, name, None))
        os.rmdir(path)
        self.log.end(number)


class Workers:
    """Runs them, each in a thread; what one raises is raised by stop()."""

    def __init__(self, workers):
        self.workers, self.stopped, self.threads, self.errors = workers, None, [], []

    def start(self):
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(one,), daemon=True) for one in self.workers]
        for thread in self.threads:
            thread.start()

    def _run(self, worker):
        try:
            worker.run_until(self.stopped)
        except Exception as error:
            self.errors.append(error)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]
