#!/usr/bin/env python3
"""Writes a golden volume: ENFOLD=build/release/tools/enfold tests/e2e/make_golden.py tests/golden/vN (as root).

Run once for each format version; what is committed is never written again.
"""

import hashlib
import json
import os
import stat
import sys

import golden
import harness
import trees


def content(name, length):
    """The same at every run, but for nothing to be learnt from it."""
    return hashlib.shake_128(name.encode()).digest(length)


def write(root, name, length, holes=()):
    """A file of that length; holes are ranges (from, to) that are never written."""
    with open(os.path.join(root, name), "wb") as file:
        place = 0
        for begin, end in [*holes, (length, length)]:
            file.write(content(f"{name}@{place}", begin - place))
            file.seek(end)
            place = end
        file.truncate(length)


def regular_files(root):
    os.mkdir(os.path.join(root, "lengths"))
    for length in trees.EDGES:
        write(root, f"lengths/{length}", length)
    os.mkdir(os.path.join(root, "holes"))
    write(root, "holes/all", 1_000_000, [(0, 1_000_000)])
    write(root, "holes/front", 50_000, [(0, 40_000)])
    write(root, "holes/middle", 100_000, [(4064, 8128), (20_000, 90_000)])
    write(root, "holes/end", 70_001, [(5, 70_001)])
    os.mkdir(os.path.join(root, "history"))
    for name, length in [("shrunk", 4065), ("shrunk to an edge", 8128), ("emptied", 0), ("grown", 60_000)]:
        write(root, f"history/{name}", 30_000)
        os.truncate(os.path.join(root, "history", name), length)
    write(root, "history/overwritten", 30_000)
    with open(os.path.join(root, "history/overwritten"), "r+b") as file:
        file.seek(4000)
        file.write(content("second", 9000))


def names(root):
    folder = os.path.join(os.fsencode(root), b"names")
    os.mkdir(folder)
    odd = [b"n" * length for length in (1, 100, 175, 176, 177, 190, 191, 192, 255)]
    odd += ["gr\u00fc\u00dfe \u4e16\u754c \U0001f600".encode(), b"\xff\xfe", b"new\nline", b" ", b"enfold.dir"]
    for name in odd:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name)
    os.makedirs(os.path.join(folder, b"d" * 255, b"deeper", b"empty"))
    with open(os.path.join(folder, b"d" * 255, b"deeper", b"inside"), "wb") as file:
        file.write(b"deep")


def special_files(root):
    folder = os.path.join(root, "special")
    os.mkdir(folder)
    for length in (1, 100, 4063, 4064, 4065, 4095):
        os.symlink(("t%d-" % length * length)[:length], os.path.join(folder, f"symlink-{length}"))
    os.symlink(b"\xff strange", os.path.join(os.fsencode(folder), b"symlink-strange"))
    os.mkfifo(os.path.join(folder, "fifo"), 0o640)
    os.mknod(os.path.join(folder, "socket"), stat.S_IFSOCK | 0o600)
    os.mknod(os.path.join(folder, "character"), stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(os.path.join(folder, "block"), stat.S_IFBLK | 0o600, os.makedev(259, 70_000))


def attributes(root):
    folder = os.path.join(root, "attributes")
    os.mkdir(folder)
    for mode in (0o400, 0o600, 0o644, 0o755, 0o4755, 0o2755, 0o1777):
        write(folder, f"mode-{mode:o}", 10)
        os.chmod(os.path.join(folder, f"mode-{mode:o}"), mode)
    write(folder, "xattrs", 100)
    os.mkdir(os.path.join(folder, "folder"))
    for name in ("xattrs", "folder"):
        os.setxattr(os.path.join(folder, name), "user.empty", b"")
        os.setxattr(os.path.join(folder, name), "user.binary", bytes(range(256)))
        os.setxattr(os.path.join(folder, name), "user." + "n" * 100, content("xattr", 1000))
    write(folder, "linked", 5000)
    os.link(os.path.join(folder, "linked"), os.path.join(folder, "other name"))
    os.link(os.path.join(folder, "linked"), os.path.join(root, "third name"))


def times(root):
    stamp = 1_500_000_000_123_456_789
    for folder, directories, files in os.walk(os.fsencode(root), topdown=False):
        for name in files + directories:
            stamp += 1_000_000_001
            os.utime(os.path.join(folder, name), ns=(stamp, stamp), follow_symlinks=False)


def main(target):
    harness.become_subreaper()
    for name in (golden.ARCHIVE, golden.MANIFEST):
        if os.path.exists(os.path.join(target, name)):
            sys.exit(f"{target}/{name} is there already; a golden volume is written once")
    place = harness.Place()
    try:
        volume = harness.Volume(place, golden.NAME).init().mount()
        for part in (regular_files, names, special_files, attributes):
            part(volume.path())
        key = volume.json("status", volume.lower)["key"]
        place.must(place.program, "key", "rotate", key, "--kms", volume.kms)
        os.mkdir(volume.path("rotated"))
        write(volume.path(), "rotated/new material", 20_000)
        times(volume.path())
        manifest = golden.manifest(volume.path())
        volume.remount()
        if golden.manifest(volume.path()) != manifest:
            sys.exit("the volume is not what was written into it")
        volume.unmount()
        volume.must_be_clean()
        golden.pack(place, target)
        with open(os.path.join(target, golden.MANIFEST), "w") as file:
            json.dump(manifest, file, indent=1, sort_keys=True)
            file.write("\n")
    finally:
        place.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
