"""Trees of files for the tests to store: making one from a seed, and describing one so that two can be compared."""

import hashlib
import os
import stat

# Around the edges of header, sectors (4064 plain bytes each), lower pages and FUSE requests.
EDGES = [0, 1, 15, 16, 4063, 4064, 4065, 4095, 4096, 4097, 8127, 8128, 8129, 12192, 131071, 131072, 131073]


def random_bytes(rng, length):
    """Not all random, so that a program which compresses or finds duplicates has something to do."""
    if length and rng.random() < 0.2:
        word = rng.randbytes(rng.randint(1, 64))
        return (word * (length // len(word) + 1))[:length]
    return rng.randbytes(length)


def random_length(rng):
    return rng.choice(EDGES) if rng.random() < 0.4 else int(2 ** rng.uniform(0, 16))


def _odd_name(rng, number):
    """Names that programs get wrong: spaces, newlines, quotes, UTF-8, bytes that are not UTF-8, long ones."""
    odd = rng.choice([b"plain", b"two words", b"new\nline", b"-dash", "gr\u00fc\u00dfe \u4e16\u754c".encode(),
                      b"\xff\xfe\x80", b"a'b\"c\\d", b"x" * 190, b"y" * 240])
    return odd + b".%d" % number


def _time_ns(rng):
    return rng.randint(946_684_800, 1_700_000_000) * 1_000_000_000 + rng.randint(0, 999_999_999)


def make_tree(root, rng, files, xattrs=True):
    """Directories, files of many lengths, holes, symlinks, hard links, FIFOs, modes, times and user xattrs."""
    root = os.fsencode(root)
    directories, regular = [root], []
    for number in range(files):
        if number % 12 == 5 and len(directories) < 60:
            directories.append(os.path.join(rng.choice(directories), _odd_name(rng, number) + b"d"))
            os.mkdir(directories[-1])
        path = os.path.join(rng.choice(directories), b"%06d" % number if rng.random() < 0.7 else _odd_name(rng, number))
        kind = rng.random()
        if kind < 0.05:
            os.symlink(rng.choice([b"nowhere", b"../" * 9 + b"x", b"t" * 300, "\u4e16".encode()]), path)
        elif kind < 0.10 and regular:
            os.link(rng.choice(regular), path)
        elif kind < 0.12:
            os.mkfifo(path, 0o640)
        else:
            _make_file(path, rng, xattrs)
            regular.append(path)
    _set_times(directories, regular, rng)


def _make_file(path, rng, xattrs):
    with open(path, "wb") as file:
        if rng.random() < 0.1:
            file.seek(rng.randint(1, 300_000))  # a hole at the front
        file.write(random_bytes(rng, random_length(rng)))
        if rng.random() < 0.1:
            file.truncate(file.tell() + rng.randint(1, 100_000))  # a hole at the end
    os.chmod(path, rng.choice([0o644, 0o600, 0o755, 0o444, 0o640]))
    if xattrs and rng.random() < 0.1 and os.access(path, os.W_OK):
        os.setxattr(path, b"user.note", rng.randbytes(rng.randint(0, 200)))


def _set_times(directories, regular, rng):
    for path in regular + directories[::-1]:
        os.utime(path, ns=(_time_ns(rng), _time_ns(rng)))
    for path in directories[1:]:
        os.chmod(path, rng.choice([0o755, 0o700, 0o750]))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _xattrs(path, namespaces):
    if not namespaces:
        return []  # without a call, which some filesystems refuse
    names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith(namespaces)]
    return sorted((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)


# rsync keeps no times of FIFOs, restic none of symlinks.
TIMED_BY_ALL = (stat.S_IFREG, stat.S_IFDIR)
TIMED_LINKS = TIMED_BY_ALL + (stat.S_IFLNK,)
TIMED = TIMED_LINKS + (stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)


def _describe_one(path, owners, timed, namespaces):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    facts = [oct(status.st_mode)]
    if owners:
        facts += [status.st_uid, status.st_gid]
    if kind in timed:
        facts.append(status.st_mtime_ns)
    if kind == stat.S_IFREG:
        facts += [status.st_size, digest(path)]
    elif kind == stat.S_IFLNK:
        facts += [status.st_size, os.readlink(path)]
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        facts.append(status.st_rdev)
    if kind in (stat.S_IFREG, stat.S_IFDIR) or "trusted." in namespaces:
        facts.append(_xattrs(path, namespaces))
    return facts, (status.st_dev, status.st_ino) if status.st_nlink > 1 and kind != stat.S_IFDIR else None


def describe(root, owners=False, timed=TIMED_BY_ALL, namespaces=("user.",)):
    """{path below root: everything that must be kept}; hard links name their first path. timed: kinds of files whose
    mtime counts. namespaces: those of the xattrs that count."""
    root = os.fsencode(root)
    found, links = {}, {}
    for folder, directories, files in os.walk(root):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(folder, name)
            facts, link = _describe_one(path, owners, timed, namespaces)
            relative = os.path.relpath(path, root)
            if link:
                facts.append(links.setdefault(link, relative))
            found[relative] = facts
    return found


def differences(expected, actual):
    """The paths whose descriptions differ, as text; empty where the trees are equal."""
    lines = []
    for path in sorted(expected.keys() | actual.keys()):
        if expected.get(path) != actual.get(path):
            lines.append(f"{path!r}:\n  expected {expected.get(path)}\n  found    {actual.get(path)}")
    return "\n".join(lines[:20]) + (f"\n... {len(lines)} in all" if len(lines) > 20 else "")
