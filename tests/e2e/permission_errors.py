"""The cases of permissions_test.py in which a call must fail, and how, whoever makes it."""

import functools
import os
import shutil
import stat
import subprocess

from permission_cases import RENAME_EXCHANGE, RENAME_NOREPLACE, Who, bind, make, rename2, touch
from side_by_side import Case, outcome

KINDS = ("file", "directory", "full directory", "symlink", "fifo", "socket", "device")
KINDS_OF_ALL = KINDS[:-1]  # what anybody may make


def _each_kind():
    for kind in KINDS:
        make(kind, kind, mode=0o755)
        make(kind, f"other {kind}", mode=0o755)


def _with_paths(call):
    """The call with each of many paths, that fail or have something about them."""
    os.symlink("loop", "loop")
    os.symlink("full directory", "to directory")
    os.symlink("none", "dangling")
    paths = ["", "none", "none/", "file/", "file/x", "directory/", "directory/.", "directory/..", ".", "..", "loop", "loop/x",
             "to directory/", "to directory/entry", "dangling", "dangling/", "dangling/x", "full directory/entry/..",
             "n" * 255, "n" * 256, "\u00fc" * 127, "\u00fc" * 128, "x" * 255 + "/y", "./" * 2040 + "file", "./" * 2048 + "file",
             "a\nb", "-", "~", " ", "\x7f", "fifo/x", "symlink/x"]
    return [(path[:20], len(path), outcome(call, path)) for path in paths]


def _with_pairs(call):
    """The call with all pairs of kinds, each with fresh objects."""
    answers = []
    for old in KINDS_OF_ALL:
        for new in KINDS_OF_ALL:
            folder = f"{old} and {new}"
            os.mkdir(folder)
            make(old, f"{folder}/a", mode=0o755)
            make(new, f"{folder}/b", mode=0o755)
            answers.append((folder, outcome(call, f"{folder}/a", f"{folder}/b"), sorted(os.listdir(folder)),
                            [_kind_of(f"{folder}/{name}") for name in sorted(os.listdir(folder))]))
    return answers


def _kind_of(path):
    return stat.S_IFMT(os.lstat(path).st_mode)


def _open(flags, path):
    touch(path, flags | os.O_NONBLOCK, 0o644)


ON_PATHS = {
    "lstat": _kind_of,
    "stat": lambda path: stat.S_IFMT(os.stat(path).st_mode),
    "unlink": os.unlink,
    "rmdir": os.rmdir,
    "mkdir": os.mkdir,
    "mkfifo": os.mkfifo,
    "chmod": lambda path: os.chmod(path, 0o711),
    "chown": lambda path: os.chown(path, 1, 2),
    "lchown": lambda path: os.lchown(path, 1, 2),
    "truncate": lambda path: os.truncate(path, 5),
    "utime": lambda path: os.utime(path, ns=(5, 6)),
    "readlink": os.readlink,
    "listdir": lambda path: sorted(os.listdir(path or "none")),
    "symlink": lambda path: os.symlink("target", path),
    "symlink to it": lambda path: os.symlink(path, "new") or os.readlink("new") == path or os.unlink("new"),
    "rename from": lambda path: os.rename(path, "new"),
    "rename to": lambda path: os.rename("other file", path),
    "rename a directory to": lambda path: os.rename("other directory", path),
    "link from": lambda path: os.link(path, "new"),
    "link to": lambda path: os.link("other file", path),
    "setxattr": lambda path: os.setxattr(path, "user.x", b"y", follow_symlinks=False),
    "bind": bind,
    **{f"open {flags:o}": functools.partial(_open, flags)
       for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.O_RDONLY | os.O_NOFOLLOW,
                     os.O_RDONLY | os.O_DIRECTORY, os.O_PATH, os.O_CREAT | os.O_NOFOLLOW | os.O_WRONLY,
                     os.O_WRONLY | os.O_TRUNC, os.O_CREAT | os.O_DIRECTORY)},
}
ON_PAIRS = {
    "rename": os.rename,
    "exchange": lambda old, new: rename2(old, new, RENAME_EXCHANGE),
    "rename without replacing": lambda old, new: rename2(old, new, RENAME_NOREPLACE),
    "rename with two flags": lambda old, new: rename2(old, new, RENAME_NOREPLACE | RENAME_EXCHANGE),
    "rename with an unknown flag": lambda old, new: rename2(old, new, 64),
    "link": lambda old, new: os.link(old, new, follow_symlinks=False),
    "rename into itself": lambda old, new: os.rename(old, old + "/x"),
    "exchange with what it is in": lambda old, new: (outcome(os.rename, old, new + "/x"),
                                                     outcome(rename2, new, new + "/x", RENAME_EXCHANGE),
                                                     outcome(rename2, new + "/x", new, RENAME_EXCHANGE),
                                                     outcome(os.rename, new + "/x", new)),
    "replace through the parent": lambda old, new: os.rename(new, old + "/../b/../b"),
}


def _on_each_kind(act):
    return [(kind, outcome(act, kind)) for kind in KINDS]


def _lengths(path):
    return [(length, outcome(os.truncate, path, length)) for length in (0, 1, 1 << 40, (1 << 63) - 1, -1)]


def _busy_program():
    """A program that runs is not written to; what is open for writing is not run. An open to truncate gave the right
    error, and had truncated by then."""
    shutil.copy("/bin/sleep", "program")
    os.chmod("program", 0o755)
    with open("program", "rb+"):
        refused = outcome(subprocess.run, ["./program", "0"])
    running = subprocess.Popen(["./program", "1000"])
    answers = [outcome(_open, flags, "program") for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC)]
    answers += [os.stat("program").st_size, outcome(os.truncate, "program", 5), outcome(os.rename, "program", "renamed"), outcome(os.unlink, "renamed")]
    running.kill()
    return refused, answers, running.wait() < 0


def _deep():
    """Directories deeper than a path can name."""
    depth = 0
    for depth in range(40):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    touch("file")
    answers = [depth, len(outcome(os.getcwd)) > 8000, os.path.exists("file")]
    os.unlink("file")
    for _ in range(40):
        os.chdir("..")
        os.rmdir("d" * 200)
    return answers


def _removed_directory():
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")
    return [outcome(act) for act in (lambda: touch("x"), lambda: os.mkdir("x"), lambda: os.symlink("a", "x"),
                                     lambda: os.listdir("."), lambda: os.link("../file", "x"), lambda: os.stat("x"),
                                     lambda: os.rename("../file", "x"), lambda: os.chmod(".", 0o700),
                                     lambda: os.stat(".").st_nlink, lambda: os.rmdir("."), lambda: os.mkfifo("x"),
                                     lambda: os.utime("."), lambda: stat.S_IMODE(os.stat(".").st_mode))]


def _read_from_directory():
    folder = os.open("directory", os.O_RDONLY)
    answers = [outcome(os.read, folder, 5), outcome(os.write, folder, b"x"), outcome(os.pread, folder, 5, 0),
               outcome(os.ftruncate, folder, 0), outcome(os.fsync, folder)]
    os.close(folder)
    return answers


OTHERS = {
    "truncate to each length": lambda: _on_each_kind(_lengths),
    "read a link": lambda: _on_each_kind(os.readlink),
    "open as what it is not": lambda: _on_each_kind(lambda path: [
        outcome(_open, flags, path) for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_NOFOLLOW, os.O_DIRECTORY)]),
    "xattrs": lambda: _on_each_kind(lambda path: [
        outcome(os.setxattr, path, name, b"v", follow_symlinks=False) for name in ("user.x", "trusted.x", "other.x", "x")]),
    "link to another filesystem": lambda: [outcome(os.link, "file", "/proc/x"), outcome(os.rename, "file", "/proc/x"),
                                           outcome(os.link, "/proc/version", "x")],
    "a program that runs": _busy_program,
    "deeper than a path": _deep,
    "in a directory that was removed": _removed_directory,
    "a directory as a file": _read_from_directory,
    "device numbers": lambda: [(outcome(os.mknod, f"n{number}", 0o600 | stat.S_IFBLK, device), os.lstat(f"n{number}").st_rdev)
                               for number, device in enumerate((0, os.makedev(4095, 1048575), os.makedev(1, 256)))],
    "mknod of no type": lambda: [outcome(os.mknod, "x", 0o644 | kind) for kind in (0, stat.S_IFDIR, stat.S_IFLNK)],
    "symlinks of each length": lambda: [(length, outcome(os.symlink, "t" * length, f"l{length}"),
                                         len(outcome(os.readlink, f"l{length}"))) for length in (1, 254, 4094, 4095, 4096)],
}
READING = ("lstat", "stat", "readlink", "listdir")


def cases_of_errors(callers=(None, Who(4000, 4000))):
    """As root and as a caller who may change only what he makes."""
    acts = {f"{what}, with paths": functools.partial(_with_paths, call) for what, call in ON_PATHS.items()}
    acts |= {f"{what}, of two kinds": functools.partial(_with_pairs, call) for what, call in ON_PAIRS.items()}
    acts |= OTHERS
    for what, act in acts.items():
        for caller in callers:
            yield Case(f"{what}, by {caller.uid if caller else 'root'}", _each_kind, act, caller)
