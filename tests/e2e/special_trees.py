"""Trees of what only root can make: devices, owners, ACLs, and xattrs of every namespace."""

import os
import socket
import stat
import struct

import trees

ALL_NAMESPACES = ("user.", "trusted.", "security.", "system.posix_acl_")

_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
_NO_ID = 0xFFFFFFFF


def acl(rng):
    """An ACL in the form of system.posix_acl_*, with named users and groups. The owning group's entry is not the mask:
    rsync 3.2 loses it then, between any two filesystems."""
    group, mask = rng.sample(range(8), 2)
    named = sorted(rng.sample(range(1000, 1100), rng.randint(1, 5)))
    entries = [(_USER_OBJ, 7, _NO_ID)] + [(_USER, rng.randrange(8), number) for number in named]
    entries += [(_GROUP_OBJ, group, _NO_ID), (_GROUP, rng.randrange(8), rng.randint(2000, 2100))]
    entries += [(_MASK, mask, _NO_ID), (_OTHER, rng.randrange(8), _NO_ID)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def capability(rng):
    """A security.capability of version 2: permitted and inheritable, no effective ones."""
    return struct.pack("<IIIII", 0x02000000, rng.getrandbits(16), rng.getrandbits(16), 0, 0)


def make_special_tree(root, rng, files, sockets=True):
    """A tree of everything that rsync -aHAX keeps. Needs root."""
    trees.make_tree(root, rng, files)
    paths = []
    for folder, directories, names in os.walk(root):
        paths += [os.path.join(folder, name) for name in sorted(directories + names)]
    for path in paths:
        _dress(path, rng)
    for number in range(max(8, files // 20)):
        _make_node(os.path.join(root, f"node-{number}"), rng, sockets)
    for path in reversed(paths):  # what was done to entries changed the times of their folders
        time = rng.randint(10**9, 16 * 10**8) * 10**9 + rng.randrange(10**9)
        os.utime(path, ns=(time, time), follow_symlinks=False)


def _dress(path, rng):
    """Owners, ACLs and xattrs, in an order in which no step undoes another."""
    kind = stat.S_IFMT(os.lstat(path).st_mode)
    if rng.random() < 0.5:
        mode = os.lstat(path).st_mode
        os.chown(path, rng.randint(0, 3000), rng.randint(0, 3000), follow_symlinks=False)
        if kind != stat.S_IFLNK:
            os.chmod(path, stat.S_IMODE(mode) | rng.choice([0, 0, stat.S_ISUID, stat.S_ISGID, stat.S_ISVTX]))
    if kind != stat.S_IFLNK and rng.random() < 0.3:
        os.setxattr(path, "system.posix_acl_access", acl(rng))
    if kind == stat.S_IFDIR and rng.random() < 0.5:
        os.setxattr(path, "system.posix_acl_default", acl(rng))
    if rng.random() < 0.2:
        os.setxattr(path, "trusted.note", rng.randbytes(rng.randint(0, 300)), follow_symlinks=False)
    if kind == stat.S_IFREG and rng.random() < 0.2:
        os.setxattr(path, "security.capability", capability(rng))


def _make_node(path, rng, sockets):
    kind = rng.choice([stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK] + [stat.S_IFSOCK] * sockets)
    if kind == stat.S_IFSOCK:
        here = os.getcwd()
        os.chdir(os.path.dirname(path))  # the whole path may be too long for a socket's address
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.basename(path))
        os.chdir(here)
    else:
        os.mknod(path, kind | 0o600, os.makedev(rng.randint(1, 200), rng.randint(0, 255)))
    os.chmod(path, rng.choice([0o600, 0o640, 0o666]))
    os.chown(path, rng.randint(0, 3000), rng.randint(0, 3000))
    _dress(path, rng)


def describe(root, timed=trees.TIMED):
    return trees.describe(root, owners=True, timed=timed, namespaces=ALL_NAMESPACES)
