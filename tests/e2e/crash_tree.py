"""What is found in a directory, everything read: {name: Found}."""

import dataclasses
import hashlib
import os
import stat

XATTR = "user.note"


@dataclasses.dataclass
class Found:
    kind: str
    entries: dict = None
    target: str = None
    content: bytes = None
    xattr: bytes = None


def digests(found):
    """{path: what there is}, short enough to be shown where two differ."""
    flat = {}
    for name, one in found.items():
        if one.kind == "Directory":
            flat |= {f"{name}/{below}": text for below, text in digests(one.entries).items()}
        content = hashlib.sha256(one.content).hexdigest() if one.content is not None else None
        flat[name] = one.kind, one.target, one.content and len(one.content), content, one.xattr
    return flat


def read_tree(path, recovering=False):
    """Raises where something cannot be read, or where stat does not say what reading gives. While the mount recovers,
    what has just been listed may be set aside."""
    found = {}
    for name in os.listdir(path):
        try:
            found[name] = _read(os.path.join(path, name), recovering)
        except FileNotFoundError:
            if not recovering:
                raise
    return found


def _read(path, recovering):
    status = os.lstat(path)
    if stat.S_ISDIR(status.st_mode):
        return Found("Directory", entries=read_tree(path, recovering))
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(path)
        _must_agree(path, status.st_size, len(os.fsencode(target)))
        return Found("Symlink", target=target)
    with open(path, "rb", buffering=0) as file:
        content = file.readall()
        _must_agree(path, status.st_size, len(content))
        _must_agree(path, os.fstat(file.fileno()).st_size, len(content))
    xattr = os.getxattr(path, XATTR) if XATTR in os.listxattr(path) else None
    return Found("File", content=content, xattr=xattr)


def _must_agree(path, size, read):
    if size != read:
        raise AssertionError(f"{path}: stat says {size} bytes, reading gives {read}")
