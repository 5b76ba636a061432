"""What one worker did to its directory, and which states a crash may leave of it.

A worker does one operation after the other, so the names of its directory are those after one of them: below, names
and sizes go through a journal. Which one is open, but not before what a completed fsync covers, and not after the last
operation that began. What a file holds is, sector by sector (4064 bytes), what one of its writes since its last fsync
left there, or what was there at that fsync.
"""

import dataclasses
import time

SECTOR = 4064
PAGE = 4096


class Directory:
    pass


class Symlink:
    def __init__(self, target):
        self.target = target


@dataclasses.dataclass
class Change:
    """What one operation leaves of a file: its length, the sectors that changed, and what they may be on the way."""
    operation: int
    length: int
    sectors: dict
    between: list


class File:
    def __init__(self):
        self.content = b""
        self.changes = []
        self.xattrs = []  # (operation, value)

    def write(self, operation, offset, data):
        """A page of which a part is written, and which the kernel has not, goes in a request of its own."""
        if offset > len(self.content):
            self._become(operation, self.content.ljust(offset, b"\0"))
        edge = -offset % PAGE
        if 0 < edge < len(data):
            self._put(operation, offset, data[:edge])
        self._put(operation, offset, data)

    def _put(self, operation, offset, data):
        self._become(operation, self.content[:offset] + data + self.content[offset + len(data):])

    def take_back(self, content, changes):
        """It was found not to have happened."""
        self.content = content
        del self.changes[changes:]

    def truncate(self, operation, length):
        self._become(operation, self.content[:length].ljust(length, b"\0"))

    def zero(self, operation, offset, size):
        """What lies behind the end stays there."""
        data = bytes(max(0, min(size, len(self.content) - offset)))
        if data:
            self._put(operation, offset, data)

    def store(self, operation, offset, data):
        """Through a mapping: the kernel writes page by page, in any order."""
        old = self.content
        self._become(operation, old[:offset] + data + old[offset + len(data):])
        for edge in range((offset // PAGE + 1) * PAGE, offset + len(data), PAGE):
            for mixed in (self.content[:edge] + old[edge:], old[:edge] + self.content[edge:]):
                self.changes[-1].between.append((edge // SECTOR, sector_of(mixed, edge // SECTOR)))

    def _become(self, operation, new):
        old, self.content = self.content, new
        changed = {index: sector_of(new, index) for index in range(sectors_in(max(len(old), len(new))))
                   if sector_of(new, index) != sector_of(old, index)}
        self.changes.append(Change(operation, len(new), changed, []))

    def problem(self, found, durable, last):
        """Why this content cannot be there after a crash, or None. Operations up to `durable` are on the disk, those
        after `last` had not begun."""
        lengths, base, variants = [0], {}, {}
        for change in self.changes:
            if change.operation > last:
                break
            if change.operation <= durable:
                base.update(change.sectors)
                lengths = [change.length]
                continue
            lengths.append(change.length)
            for index, content in [*change.sectors.items(), *change.between]:
                variants.setdefault(index, {base.get(index, b"")}).add(content)
        if len(found) not in lengths and (len(found) % SECTOR or not min(lengths) < len(found) < max(lengths)):
            return f"has {len(found)} bytes, not one of {sorted(set(lengths))}"
        for index in range(sectors_in(len(found))):
            content, right = sector_of(found, index), variants.get(index, {base.get(index, b"")})
            if content not in right and not (is_empty(content) and self._may_be_hole(right, last)):
                return (f"sector {index} of {sectors_in(len(found))} ({_looks(content)}) is neither old nor new: "
                        f"{self._history(index, last)}")
        return None

    def _may_be_hole(self, contents, last):
        """In a file that has or had holes the end of them is known by the sector, so one that held nothing yet, or held
        nothing any more, may be a hole of any length."""
        had_holes = any(sector and is_empty(sector) for one in self.changes if one.operation <= last
                        for sector in one.sectors.values())
        return had_holes and any(is_empty(one) for one in contents)

    def _history(self, index, last):
        """Which operations changed that sector, and to how many bytes; the length after each."""
        return [(one.operation, one.length, _looks(one.sectors[index]) if index in one.sectors else "-")
                for one in self.changes if one.operation <= last][-12:]

    def xattr_problem(self, found, durable, last):
        allowed = [None]
        for operation, value in self.xattrs:
            if operation <= durable:
                allowed = [value]
            elif operation <= last:
                allowed.append(value)
        return None if found in allowed else f"has the xattr {found!r}, not one of {allowed}"


def _looks(content):
    return f"{len(content)} bytes{', all zero' if is_empty(content) else ''}"


def is_empty(content):
    return not content.strip(bytes(1))


def sector_of(content, index):
    return content[index * SECTOR:(index + 1) * SECTOR]


def sectors_in(length):
    return -(-length // SECTOR)


@dataclasses.dataclass
class Operation:
    what: str
    names: tuple  # (directory, name, what is there now) of each name that changes, at once
    began: int
    ended: int = None
    synced: object = None
    durable: tuple = ()  # what exists for good once `synced` is: itself, the directories above it, the entries of one
    covers: int = -1  # the last operation on the names of `synced`


class Log:
    def __init__(self):
        self.operations = []
        self.root = Directory()
        self.names = {self.root: {}}  # as they are now
        self.parents = {self.root: None}
        self.named = {}  # object -> the last operation on its names, or on the names in it

    def begin(self, what, *names):
        number = len(self.operations)
        for directory, name, thing in names:
            for concerned in (directory, thing, self.names[directory].get(name)):
                self.named[concerned] = number
        self.operations.append(Operation(what, names, time.monotonic_ns()))
        return number

    def begin_sync(self, what, thing, parent):
        """`parent`: the directory through which it was reached, None for the root."""
        number = self.begin(what)
        durable = [thing, *(self.names[thing].values() if type(thing) is Directory else ())]
        while parent is not None:
            durable.append(parent)
            parent = self.parents[parent]
        operation = self.operations[number]
        operation.synced, operation.durable, operation.covers = thing, tuple(durable), self.named.get(thing, -1)
        return number

    def all_synced(self):
        """The volume was unmounted: what there is now is durable."""
        for directory in self.names:
            if self._is_reachable(directory):
                for thing in self.names[directory].values():
                    self.end(self.begin_sync("unmount", thing, directory))

    def _is_reachable(self, directory):
        """Whether it was not removed."""
        parent = self.parents[directory]
        return parent is None or (directory in self.names[parent].values() and self._is_reachable(parent))

    def end(self, number):
        operation = self.operations[number]
        operation.ended = time.monotonic_ns()
        for directory, name, thing in operation.names:
            put(self.names, directory, name, thing)
            if type(thing) is Directory:
                self.parents[thing] = directory


def put(names, directory, name, thing):
    if thing is None:
        names[directory].pop(name, None)
        return
    names[directory][name] = thing
    if type(thing) is Directory:
        names.setdefault(thing, {})


class Crash:
    """Which operations of a log a crash leaves: the names are those after an operation from `first` to `last`; what is
    in `durable` exists, and the content of a file is not older than its operation in `synced`."""

    def __init__(self, log, first, last, durable, synced):
        self.log, self.first, self.last, self.durable, self.synced = log, first, last, durable, synced
        self.xattrs_synced = dict(synced)

    @classmethod
    def of_power(cls, log, before, after):
        """The power went at a moment between these two."""
        last = max((number for number, one in enumerate(log.operations) if one.began <= after), default=-1)
        crash = cls(log, -1, last, {}, {})
        for number, one in enumerate(log.operations):
            if one.synced is not None and one.ended is not None and one.ended <= before:
                crash.durable |= dict.fromkeys(one.durable, number)
                crash.synced[one.synced] = number
                # msync(2) is an fdatasync, which leaves a rename and xattrs to the journal's own time
                if one.what != "msync":
                    crash.first = max(crash.first, one.covers)
                    crash.xattrs_synced[one.synced] = number
        return crash

    @classmethod
    def of_process(cls, log):
        """The mount's process died: what is done is there, synced or not. The log's last operation may have failed."""
        done = max((number for number, one in enumerate(log.operations) if one.ended is not None), default=-1)
        things = {thing for one in log.operations for _, _, thing in one.names}
        return cls(log, done, len(log.operations) - 1, dict.fromkeys(things, done), dict.fromkeys(things, done))

    def problems(self, found):
        """[] where what was found (see crash_tree.py) may be what a crash left, else what is wrong with it."""
        names, best = {self.log.root: {}}, None
        for number in range(-1, self.last + 1):
            changes = self.log.operations[number].names if number >= 0 else ()
            for change in changes:
                put(names, *change)
            if number < self.first or not (changes or number == self.first):
                continue
            wrong = list(self._compare(names, found, self.log.root, "."))
            if not wrong:
                return []
            if best is None or len(wrong) <= len(best):
                best = [f"after {self._what(number)} of {self.first}..{self.last}:", *wrong]
        return best

    def _what(self, number):
        return f"{number} ({self.log.operations[number].what})" if number >= 0 else "nothing"

    def _compare(self, names, found, directory, path):
        expected = names[directory]
        for name in sorted(found.keys() | expected.keys()):
            where = f"{path}/{name}"
            if name not in expected:
                yield f"{where}: should not be there"
            elif name not in found:
                if self._durable_below(names, expected[name], name):
                    yield f"{where}: is gone; {self._durable_below(names, expected[name], name)}"
            else:
                yield from self._compare_one(names, found[name], expected[name], where)

    def _durable_below(self, names, thing, path):
        """What of it must be there, as text; empty where nothing must."""
        text = f"{type(thing).__name__} {path} since {self._what(self.durable[thing])}" if thing in self.durable else ""
        below = names[thing].items() if type(thing) is Directory else ()
        return text or "".join(self._durable_below(names, one, f"{path}/{name}") for name, one in below)

    def _syncs(self, thing):
        return f"synced by operation {self.synced.get(thing)}"

    def _compare_one(self, names, found, thing, where):
        if found.kind != type(thing).__name__:
            yield f"{where}: is a {found.kind}, not a {type(thing).__name__}"
        elif type(thing) is Directory:
            yield from self._compare(names, found.entries, thing, where)
        elif type(thing) is Symlink:
            if found.target != thing.target:
                yield f"{where}: leads to {found.target}, not to {thing.target}"
        else:
            durable = self.synced.get(thing, -1)
            for problem in (thing.problem(found.content, durable, self.last),
                            thing.xattr_problem(found.xattr, self.xattrs_synced.get(thing, -1), self.last)):
                if problem:
                    yield f"{where}: {problem}; {self._syncs(thing)}"
