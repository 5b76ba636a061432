"""A process that keeps changing a directory of its own by a seeded script, and knows what must be there."""

import hashlib
import os
import pickle
import random
import signal
import tempfile
import traceback

FILES = 100


class File:
    def __init__(self):
        self.content = bytearray()


class Script:
    """Paths are below `root`; "" is the root itself."""

    def __init__(self, root, seed):
        self.root, self.rng = root, random.Random(seed)
        self.files, self.directories = {}, {""}
        self.held = []  # (descriptor, file), some without a name
        self.made = 0
        self.steps = {name: 0 for name in ("create", "append", "overwrite", "cut", "move", "move_directory", "link",
                                           "unlink", "hold", "let_go", "read", "make_directory", "remove_directory")}

    def path(self, name):
        return os.path.join(self.root, name) if name else self.root

    def step(self):
        name = self.rng.choice(sorted(self.steps))
        if name in ("append", "overwrite", "cut", "move", "link", "unlink", "hold", "read") and not self.files:
            name = "create"
        if name in ("create", "link") and len(self.files) >= FILES:
            name = "unlink"
        if name == "unlink" and len(self.files) < FILES // 2:
            name = "create"
        getattr(self, name)()
        self.steps[name] += 1

    def new_name(self):
        self.made += 1
        name = f"{self.made}" + "-long" * (self.rng.random() < 0.1) * self.rng.randint(35, 48)
        return os.path.join(self.any_directory(), name)

    def any_directory(self):
        return self.rng.choice(sorted(self.directories))

    def any_file(self):
        return self.rng.choice(sorted(self.files))

    def data(self):
        return self.rng.randbytes(self.rng.choice((0, 1, 100, 4064, 5000, 30_000)))

    def create(self):
        name, file = self.new_name(), File()
        file.content += self.data()
        with open(self.path(name), "xb") as opened:
            opened.write(file.content)
        self.files[name] = file

    def append(self):
        self.write(self.any_file(), lambda file: len(file.content))

    def overwrite(self):
        self.write(self.any_file(), lambda file: self.rng.randrange(len(file.content) + 5000))

    def write(self, name, where):
        file, data = self.files[name], self.data()
        if len(file.content) > 200_000:
            return self.cut(name)
        fd = os.open(self.path(name), os.O_WRONLY)
        try:
            self.write_at(fd, file, where(file), data)
        finally:
            os.close(fd)

    def write_at(self, fd, file, at, data):
        if data:
            if os.pwrite(fd, data, at) != len(data):
                raise AssertionError("a short write")
            file.content = file.content.ljust(at, b"\0")
            file.content[at:at + len(data)] = data

    def cut(self, name=None):
        name = name or self.any_file()
        file = self.files[name]
        length = self.rng.randrange(len(file.content) + 1000) if self.rng.random() < 0.9 else 0
        os.truncate(self.path(name), length)
        file.content = file.content[:length].ljust(length, b"\0")

    def move(self):
        name = self.any_file()
        to = self.any_file() if self.rng.random() < 0.3 else self.new_name()
        os.rename(self.path(name), self.path(to))
        if self.files.get(to) is self.files[name]:  # two names of one file: nothing is done
            return
        self.files[to] = self.files.pop(name)

    def move_directory(self):
        name, into = self.any_directory(), self.any_directory()
        if not name or (into + "/").startswith(name + "/"):
            return
        self.made += 1
        to = os.path.join(into, f"d{self.made}")
        os.rename(self.path(name), self.path(to))
        self.directories = {moved(one, name, to) for one in self.directories}
        self.files = {moved(one, name, to): file for one, file in self.files.items()}

    def link(self):
        name, to = self.any_file(), self.new_name()
        try:
            os.link(self.path(name), self.path(to))
        except FileNotFoundError:  # the kernel counted a name too few (README, Limits), until it is asked again
            os.stat(self.path(name))
            os.link(self.path(name), self.path(to))
        self.files[to] = self.files[name]

    def unlink(self):
        name = self.any_file()
        os.unlink(self.path(name))
        del self.files[name]

    def make_directory(self):
        if len(self.directories) >= 12:
            return self.move_directory()
        self.made += 1
        name = os.path.join(self.any_directory(), f"d{self.made}" + "-" * (self.rng.random() < 0.1) * 200)
        os.mkdir(self.path(name))
        self.directories.add(name)

    def remove_directory(self):
        name = self.any_directory()
        if not name or any(one.startswith(name + "/") for one in self.directories | self.files.keys()):
            return
        os.rmdir(self.path(name))
        self.directories.remove(name)

    def hold(self):
        """Open for some time, and written then; perhaps without a name."""
        if len(self.held) >= 4:
            return self.let_go()
        name = self.any_file()
        self.held.append((os.open(self.path(name), os.O_RDWR), self.files[name]))
        if self.rng.random() < 0.5:
            self.unlink_all_names_of(self.files[name])

    def unlink_all_names_of(self, file):
        for name in [name for name, one in self.files.items() if one is file]:
            os.unlink(self.path(name))
            del self.files[name]

    def let_go(self):
        if not self.held:
            return
        fd, file = self.held.pop(self.rng.randrange(len(self.held)))
        try:
            self.write_at(fd, file, self.rng.randrange(len(file.content) + 1), self.data())
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            self.must_be(os.pread(fd, len(file.content) + 1, 0), file, "held")
        finally:
            os.close(fd)

    def read(self):
        name = self.any_file()
        with open(self.path(name), "rb") as opened:
            self.must_be(opened.read(), self.files[name], name)

    def must_be(self, content, file, name):
        if content != file.content:
            raise AssertionError(f"{name}: reads {len(content)} bytes, other than the {len(file.content)} written")

    def expected(self):
        """{path: digest and which names are the same file}, directories with None."""
        first = {}
        found = dict.fromkeys(self.directories - {""})
        for name in sorted(self.files):
            file = self.files[name]
            found[name] = hashlib.sha256(file.content).hexdigest(), first.setdefault(id(file), name)
        return found


def moved(path, name, to):
    return to + path[len(name):] if path == name or path.startswith(name + "/") else path


def found_in(root):
    """As Script.expected(), of what is there."""
    found, first = {}, {}
    for folder, directories, files in os.walk(root):
        for name in directories:
            found[os.path.relpath(os.path.join(folder, name), root)] = None
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[os.path.relpath(path, root)] = digest, os.lstat(path).st_ino
    for name in sorted(name for name, facts in found.items() if facts):
        digest, number = found[name]
        found[name] = digest, first.setdefault(number, name)
    return found


class Writer:
    """The process, from start() to stop()."""

    def __init__(self, root, seed, stop_file):
        self.root, self.seed, self.stop_file = root, seed, stop_file
        self.answer = tempfile.TemporaryFile()
        os.mkdir(root)

    def start(self):
        self.child = os.fork()
        if self.child == 0:
            self.run()
        return self

    def run(self):
        script, error = Script(self.root, self.seed), None
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            while not os.path.exists(self.stop_file):
                script.step()
            while script.held:
                script.let_go()
        except BaseException:
            error = traceback.format_exc()
        try:
            pickle.dump((script.expected(), script.steps, error), self.answer)
            self.answer.flush()
        finally:
            os._exit(0)

    def signal(self, number):
        os.kill(self.child, number)

    def stop(self):
        """(what must be there, how often each step was done, what went wrong or None)."""
        os.waitpid(self.child, 0)
        with self.answer:
            self.answer.seek(0)
            return pickle.load(self.answer)
