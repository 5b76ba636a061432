"""An ordinary user's own mount, and files and directories whose mode forbids their owner: each call answers as in a plain
directory, although the mount's process, which is that owner too, has to look into them. Needs root, to become that user."""

import itertools
import os
import stat

import harness
import permission_cases
import side_by_side
from permission_cases import make, rename2, touch, utimensat
from side_by_side import Case, outcome

MODES = (0o000, 0o100, 0o200, 0o300, 0o400, 0o500, 0o600, 0o700, 0o077)
CONTENT = b"content of a file"


def _prepare(kind, mode, parent_mode):
    os.mkdir("in")
    os.mkdir("out")
    make(kind, "in/t", mode=0o755)
    make("file", "out/file")
    make("directory", "out/directory")
    if kind != "fifo":
        os.setxattr("in/t", "user.name", b"value")
    if kind == "full directory":
        touch("in/t/" + "l" * 255)
    os.chmod("in/t", mode)
    os.chmod("in", parent_mode)


def _opened_before(mode, act):
    """What a descriptor that was opened while the mode allowed it may do after."""
    os.chmod("in/t", 0o700)
    file = os.open("in/t", os.O_RDWR if stat.S_ISREG(os.stat("in/t").st_mode) else os.O_RDONLY)
    os.chmod("in/t", mode)
    answer = outcome(act, file)
    os.close(file)
    return answer


def _use_file(file):
    answers = [os.pwrite(file, b"C", 0), outcome(os.ftruncate, file, 5000), os.pread(file, 20, 0), os.ftruncate(file, 7)]
    answers += [os.fsync(file), os.fstat(file).st_size, os.fchmod(file, 0o200), os.pwrite(file, b"O", 1)]
    answers += [outcome(os.setxattr, file, "user.other", b"x"), outcome(os.getxattr, file, "user.name")]
    return answers + [os.utime(file, ns=(5, 6)), oct(os.fstat(file).st_mode)]


def _use_directory(folder):
    return [outcome(lambda: sorted(os.listdir(folder))), outcome(lambda: os.stat("entry", dir_fd=folder).st_size),
            outcome(lambda: os.close(os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=folder))),
            outcome(lambda: os.mkdir("s" * 255, dir_fd=folder)), outcome(lambda: os.unlink("entry", dir_fd=folder)),
            outcome(os.fsync, folder), outcome(lambda: sorted(os.listdir(folder))),
            outcome(os.getxattr, folder, "user.name"), outcome(os.setxattr, folder, "user.other", b"x"),
            outcome(os.fchdir, folder), outcome(lambda: sorted(os.listdir(".")))]


def _created_closed(mode):
    """A file that nobody may open again, while it is open from its creation."""
    file = os.open("out/closed", os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
    answers = [os.write(file, CONTENT), os.pread(file, 100, 0), os.ftruncate(file, 3), outcome(touch, "out/closed"), os.fsync(file)]
    os.close(file)
    return answers + [outcome(touch, "out/closed", os.O_RDONLY), os.stat("out/closed").st_size]


def _opened_up(act):
    """The answer, and what is there once the modes allow a look."""
    def acted():
        answer = outcome(act)
        modes = [outcome(lambda path=path: oct(os.lstat(path).st_mode)) for path in ("in", "in/t", "out/new")]
        for path in ("in", "in/t", "out/new", "in/new", "out/file", "out/directory"):
            outcome(os.chmod, path, 0o700)
        xattrs = [outcome(os.getxattr, path, "user.name") for path in ("in/t", "out/new")]
        return [answer, modes, xattrs]
    return acted


NAMES = {
    "stat": lambda: [getattr(os.stat("in/t"), field) for field in ("st_mode", "st_nlink")],
    "length": lambda: stat.S_ISDIR(os.stat("in/t").st_mode) or os.stat("in/t").st_size,
    "list": lambda: sorted(os.listdir("in/t")),
    "list the parent": lambda: sorted(os.listdir("in")),
    "scan the parent": lambda: [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in os.scandir("in")],
    "look inside": lambda: os.stat("in/t/entry").st_size,
    "look for what is not inside": lambda: os.stat("in/t/none"),
    "chdir": lambda: (os.chdir("in/t"), os.chdir("../..")),
    "chmod": lambda: os.chmod("in/t", 0o751),
    "unlink": lambda: os.unlink("in/t"),
    "rmdir": lambda: os.rmdir("in/t"),
    "rename inside": lambda: os.rename("in/t", "in/new"),
    "rename out": lambda: os.rename("in/t", "out/new"),
    "rename a file over it": lambda: os.rename("out/file", "in/t"),
    "rename a directory over it": lambda: os.rename("out/directory", "in/t"),
    "rename it over a file": lambda: os.rename("in/t", "out/file"),
    "rename it over a directory": lambda: os.rename("in/t", "out/directory"),
    "exchange": lambda: rename2("in/t", "out/directory", permission_cases.RENAME_EXCHANGE),
    "rename into it": lambda: os.rename("out/file", "in/t/new"),
    "link": lambda: os.link("in/t", "out/new"),
    "truncate": lambda: os.truncate("in/t", 3),
    "utime": lambda: os.utime("in/t"),
    "utimensat": lambda: utimensat("in/t", (5, 6), (7, 8)),
    "utimensat with one now": lambda: utimensat("in/t", (0, permission_cases.UTIME_NOW), (0, permission_cases.UTIME_OMIT)),
    "create inside": lambda: touch("in/t/new"),
    "make a directory inside": lambda: os.mkdir("in/t/new"),
    "make a long name inside": lambda: touch("in/t/" + "n" * 255),
    "make a long name beside": lambda: touch("in/" + "n" * 255),
    "unlink inside": lambda: os.unlink("in/t/entry"),
    "get an xattr": lambda: os.getxattr("in/t", "user.name"),
    "list xattrs": lambda: os.listxattr("in/t"),
    "set an xattr": lambda: os.setxattr("in/t", "user.name", b"new"),
    "remove an xattr": lambda: os.removexattr("in/t", "user.name"),
    "access": lambda: [os.access("in/t", way) for way in (os.R_OK, os.W_OK, os.X_OK)],
    "open to read": lambda: touch("in/t", os.O_RDONLY | os.O_NONBLOCK),
    "open to write": lambda: touch("in/t", os.O_WRONLY | os.O_NONBLOCK),
    "open to truncate": lambda: touch("in/t", os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK),
    "open to append": lambda: touch("in/t", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK),
}


def cases():
    kinds = ("file", "directory", "full directory", "fifo")
    for (what, act), kind, mode, parent_mode in itertools.product(NAMES.items(), kinds, MODES, (0o700, 0o500, 0o300)):
        yield _case(f"{what}, {kind}, {mode:o}, in {parent_mode:o}", kind, mode, parent_mode, act)
    for mode, (kind, act) in itertools.product(
            MODES, (("file", _use_file), ("directory", _use_directory), ("full directory", _use_directory))):
        yield _case(f"descriptor, {kind}, {mode:o}", kind, mode, 0o700, lambda mode=mode, act=act: _opened_before(mode, act))
    for mode in MODES:
        yield _case(f"created as {mode:o}", "file", 0o600, 0o700, lambda mode=mode: _created_closed(mode))


def _case(name, kind, mode, parent_mode, act):
    return Case(name, lambda: _prepare(kind, mode, parent_mode), _opened_up(act), umask=0)


class OwnModes(harness.MountedTest):
    user = harness.NOBODY

    def run_in(self, directory):
        return self.place.call(side_by_side.run, self.cases, directory, 2)

    def test_modes_that_forbid_their_owner(self):
        self.cases = list(cases())
        if not harness.IS_LONG:
            self.cases = self.random.sample(self.cases, 1200)
        volume = self.new_volume()
        expected = self.run_in(self.place.make("plain"))
        self.assertEqual(len(self.cases), len(expected))
        different = side_by_side.differences(expected, self.run_in(volume.path()))
        if different:
            self.fail(different)
        volume.unmount()
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main(needs_root=True)
