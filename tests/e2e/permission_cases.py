"""The cases of permissions_test.py: who may do what, to what, in which directory."""

import ctypes
import functools
import itertools
import os
import socket
import stat

import harness
from side_by_side import Case, Who, outcome

OWNER, GROUP, OTHER_OWNER = 1000, 1001, 2000
ROOT = Who(0, 0)
CALLERS = {
    "root": ROOT,
    "root of their group": Who(0, GROUP),
    "owner": Who(OWNER, 1000, (GROUP,)),
    "owner outside of the group": Who(OWNER, 1000),
    "other owner": Who(OTHER_OWNER, 2000),
    "in the group": Who(3000, GROUP),
    "in the group beside others": Who(3000, 3000, (5, GROUP, 77)),
    "other": Who(4000, 4000, (5, 77)),
}
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def utimensat(path, accessed, modified, flags=0):
    """Each a pair (seconds, nanoseconds); os.utime knows neither UTIME_OMIT nor one UTIME_NOW alone."""
    times = (_Timespec * 2)(_Timespec(*accessed), _Timespec(*modified))
    harness.check_libc(harness.libc.utimensat(_AT_FDCWD, os.fsencode(path), times, flags), "utimensat")


def rename2(old, new, flags):
    harness.check_libc(harness.libc.renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), flags), "rename")


def touch(path, flags=os.O_WRONLY | os.O_CREAT, mode=0o666):
    os.close(os.open(path, flags, mode))


def bind(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)


def make(kind, path, uid=0, gid=0, mode=0o644):
    if kind == "file":
        with open(path, "wb") as file:
            file.write(b"content of a file")
    elif kind in ("directory", "full directory"):
        os.mkdir(path)
        if kind == "full directory":
            touch(path + "/entry")
    elif kind == "symlink":
        os.symlink("target", path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        bind(path)
    else:
        os.mknod(path, stat.S_IFCHR, os.makedev(1, 3))
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    if kind != "symlink":
        os.chmod(path, mode)


# What is done to names: in "in", which has the mode and owners of the case, to "in/t", the target. "out" is open to all.
ON_NAMES = {
    "unlink": lambda: os.unlink("in/t"),
    "rmdir": lambda: os.rmdir("in/t"),
    "rename inside": lambda: os.rename("in/t", "in/new"),
    "rename out": lambda: os.rename("in/t", "out/new"),
    "rename in": lambda: os.rename("out/directory", "in/new"),
    "rename over it": lambda: os.rename("out/file", "in/t"),
    "rename a directory over it": lambda: os.rename("out/directory", "in/t"),
    "rename it over a file": lambda: os.rename("in/t", "out/file"),
    "rename it over an empty directory": lambda: os.rename("in/t", "out/directory"),
    "rename it over a full directory": lambda: os.rename("in/t", "out/full directory"),
    "rename it over itself": lambda: os.rename("in/t", "in/t"),
    "rename without replacing": lambda: rename2("out/file", "in/t", RENAME_NOREPLACE),
    "exchange": lambda: rename2("out/file", "in/t", RENAME_EXCHANGE),
    "link out": lambda: os.link("in/t", "out/new", follow_symlinks=False),
    "link in": lambda: os.link("out/file", "in/new"),
    "mkdir": lambda: os.mkdir("in/new", 0o2777),
    "mkdir over it": lambda: os.mkdir("in/t"),
    "mkfifo": lambda: os.mkfifo("in/new", 0o666),
    "mknod": lambda: os.mknod("in/new", 0o666 | stat.S_IFCHR, os.makedev(5, 6)),
    "mknod a file": lambda: os.mknod("in/new", 0o6777 | stat.S_IFREG),
    "bind": lambda: bind("in/new"),
    "symlink": lambda: os.symlink("somewhere", "in/new"),
    "create": lambda: touch("in/new", mode=0o6777),
    "create with O_EXCL": lambda: touch("in/t", os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "create and truncate": lambda: touch("in/t", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK),
    "look": lambda: stat.S_IFMT(os.lstat("in/t").st_mode),
    "look for what is not there": lambda: os.lstat("in/none"),
    "list": lambda: sorted(os.listdir("in")),
    "readlink": lambda: os.readlink("in/t"),
    "enter": lambda: os.chdir("in"),
}
DIRECTORY_MODES = (0o777, 0o1777, 0o1775, 0o755, 0o775, 0o705, 0o700, 0o070, 0o555, 0o300, 0o333, 0o500, 0o600, 0o000,
                   0o2775, 0o2777, 0o3777)


def _prepare_names(mode, owner, target_owner, kind, needs_out):
    os.mkdir("in")
    if needs_out:
        os.mkdir("out")
        for name in ("file", "directory", "full directory"):
            make(name, f"out/{name}", *target_owner, 0o777)
    make(kind, "in/t", *target_owner, 0o755)
    os.chown("in", *owner)
    os.chmod("in", mode)


def _named(*parts):
    return ", ".join(f"{part:o}" if isinstance(part, int) else str(part) for part in parts)


def cases_on_names():
    owners = ((OWNER, GROUP), (OTHER_OWNER, 2000))
    kinds = ("file", "directory", "full directory", "symlink", "fifo", "device")
    for (what, act), mode, owner, target_owner, kind, (who, caller) in itertools.product(
            ON_NAMES.items(), DIRECTORY_MODES, owners, owners, kinds, CALLERS.items()):
        name = _named(what, mode, f"of {owner[0]}", f"{kind} of {target_owner[0]}", f"by {who}")
        needs_out = any(word in what for word in ("rename", "link", "exchange"))
        yield Case(name, functools.partial(_prepare_names, mode, owner, target_owner, kind, needs_out), act, caller)


def _written(flags, content=b"x"):
    file = os.open("t", flags)
    os.write(file, content)
    os.close(file)


def _through_descriptor(flags, act):
    file = os.open("t", flags)
    answer = outcome(act, file)
    os.close(file)
    return answer


# What is done to an object itself, by its path. Not chown(-1, -1): the kernel asks a FUSE filesystem for nothing then, so
# that neither the ctime nor a set-id bit changes. Access times are shown where a call sets them: a mount moves them when a
# file is closed, and for a symlink seldom, since the kernel keeps what it read.
ON_OBJECTS = {
    **{f"chmod {mode:o}": functools.partial(os.chmod, "t", mode) for mode in (0o600, 0o6755, 0o2644, 0o1777, 0o000)},
    **{f"chown {uid}:{gid}": functools.partial(os.chown, "t", uid, gid, follow_symlinks=False)
       for uid, gid in ((OWNER, -1), (-1, GROUP), (-1, 77), (OWNER, 77), (OTHER_OWNER, -1), (4000, 4000))},
    **{f"open {flags:o}": functools.partial(touch, "t", flags | os.O_NONBLOCK)
       for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_WRONLY | os.O_TRUNC,
                     os.O_WRONLY | os.O_APPEND, os.O_RDONLY | os.O_NOFOLLOW, os.O_RDONLY | os.O_DIRECTORY, os.O_PATH,
                     os.O_RDONLY | os.O_NOATIME, os.O_CREAT | os.O_WRONLY)},
    "write": lambda: _written(os.O_WRONLY | os.O_NONBLOCK),
    "write nothing": lambda: _written(os.O_WRONLY | os.O_NONBLOCK, b""),
    "append": lambda: _written(os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK),
    "truncate to 0": lambda: os.truncate("t", 0),
    "truncate to its length": lambda: os.truncate("t", 17),
    "truncate to 5000": lambda: os.truncate("t", 5000),
    "ftruncate": lambda: _through_descriptor(os.O_RDWR | os.O_NONBLOCK, lambda file: os.ftruncate(file, 3)),
    "ftruncate what is open for reading": lambda: _through_descriptor(
        os.O_RDONLY | os.O_NONBLOCK, lambda file: os.ftruncate(file, 3)),
    "fchmod": lambda: _through_descriptor(os.O_RDONLY | os.O_NONBLOCK, lambda file: os.fchmod(file, 0o6711)),
    "fchown": lambda: _through_descriptor(os.O_RDONLY | os.O_NONBLOCK, lambda file: os.fchown(file, -1, GROUP)),
    "utimensat through a link": lambda: utimensat("t", (7, 8), (9, 10)),
    "futimens": lambda: _through_descriptor(os.O_RDONLY | os.O_NONBLOCK, lambda file: os.utime(file, ns=(11, 12))),
    "access": lambda: [os.access("t", way) for way in (os.R_OK, os.W_OK, os.X_OK)],
    "set an xattr": lambda: os.setxattr("t", "user.name", b"value", follow_symlinks=False),
    "get an xattr": lambda: os.getxattr("t", "user.name", follow_symlinks=False),
    "set a trusted xattr": lambda: os.setxattr("t", "trusted.name", b"value", follow_symlinks=False),
    "hard link": lambda: os.link("t", "new", follow_symlinks=False),
}
TIMES = {
    "utime now": lambda: os.utime("t", follow_symlinks=False),
    **{f"utimensat {accessed} {modified}": functools.partial(utimensat, "t", accessed, modified, _AT_SYMLINK_NOFOLLOW)
       for accessed, modified in [*itertools.product(((5, 6), (0, UTIME_NOW), (0, UTIME_OMIT)), repeat=2),
                                  ((5_000_000_000, 1), (0, UTIME_OMIT)), ((-5, 1), (-7, 999_999_999)),
                                  ((1, 2), (1, 1_000_000_000))]},
}
# No setgid bit where the group may not execute: FUSE lets a change by an outsider keep that bit, which means nothing
# (linux/fuse.h: FUSE_HANDLE_KILLPRIV_V2); the kernel's own filesystems drop it.
OBJECT_MODES = (0o644, 0o666, 0o600, 0o444, 0o000, 0o777, 0o4755, 0o2755, 0o2775, 0o6777, 0o4666, 0o070, 0o007, 0o1666)


def _prepare_object(kind, mode):
    make(kind, "t", OWNER, GROUP, mode)
    os.utime("t", ns=(100, 200), follow_symlinks=False)


def cases_on_objects():
    kinds = ("file", "directory", "fifo", "socket", "symlink")
    acts = [(*item, False) for item in ON_OBJECTS.items()] + [(*item, True) for item in TIMES.items()]
    for (what, act, sets_times), kind, mode, (who, caller) in itertools.product(
            acts, kinds, OBJECT_MODES, CALLERS.items()):
        yield Case(_named(what, kind, mode, f"by {who}"), functools.partial(_prepare_object, kind, mode), act, caller,
                   shows_access_times=sets_times)


def cases_of_umask():
    """What new objects get from the umask and from a setgid directory."""
    for (who, caller), mode, umask, what in itertools.product(
            CALLERS.items(), (0o777, 0o2777), (0o000, 0o022, 0o027, 0o777),
            ("create", "mkdir", "mkfifo", "mknod a file", "symlink", "bind")):
        yield Case(_named(what, mode, f"umask {umask:o}", f"by {who}"),
                   functools.partial(_prepare_names, mode, (OWNER, GROUP), (OWNER, GROUP), "file", False),
                   ON_NAMES[what], caller, umask)
