"""How a golden volume is kept: an archive of the lower tree and its key store, and a manifest of what is in it."""

import os

import trees

ARCHIVE = "volume.tar"
MANIFEST = "manifest.json"
NAME = "golden"  # of the volume inside its place: golden.lower and golden.keys

# git keeps neither modes, holes, empty directories nor xattrs, so the volume is committed as an archive.
_KEEP = ["--format=pax", "--sparse", "--xattrs", "--xattrs-include=user.*"]


def pack(place, target):
    place.must("tar", *_KEEP, "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-C", place.path,
               "-cf", os.path.join(target, ARCHIVE), f"{NAME}.lower", f"{NAME}.keys")


def unpack(place, source):
    place.must("tar", *_KEEP, "--no-same-owner", "-p", "-C", place.path, "-xf", os.path.join(source, ARCHIVE))


def _plain(value):
    """As JSON gives it back. Bytes that are no UTF-8 become lone surrogates, which JSON can escape."""
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def manifest(root):
    return {_plain(path): _plain(facts) for path, facts in trees.describe(root, timed=trees.TIMED).items()}
