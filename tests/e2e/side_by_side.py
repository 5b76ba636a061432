"""Runs the same cases in a plain directory and in a mount and compares what they did line by line, so that Linux itself
says what is right.

A case is prepared in an empty directory of its own, carried out by a process with the credentials it asks for, and
then described: what the call answered, and each object's type, mode, owners, links, size and content, and which of its
times moved. Cases run in several processes at once, so that callers with different rights meet in the mount.
"""

import dataclasses
import errno
import os
import pickle
import stat
import sys
import time
import traceback
from typing import Callable

BATCH = 100
OLD_NS = 1_000_000_000_000_000_001  # what case functions set as times lies below it, what the clock gives above


@dataclasses.dataclass(frozen=True)
class Who:
    uid: int
    gid: int
    groups: tuple = ()

    def become(self):
        os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


@dataclasses.dataclass
class Case:
    name: str
    prepare: Callable  # called in the case's directory, as whoever runs the test
    act: Callable  # called there as `who`; its answer or its OSError is compared
    who: Who | None = None
    umask: int = 0o022
    shows_access_times: bool = False


def outcome(function, *arguments, **named):
    """What a call answered, or the name of its error."""
    try:
        return function(*arguments, **named)
    except OSError as error:
        return errno.errorcode[error.errno] if error.errno else str(error)


def run(cases, directory, processes=1):
    """{case name: description, a list of lines}. The directory must exist and let everybody through."""
    answers = []
    for number in range(processes):
        home = os.path.join(directory, f"process-{number}")
        os.mkdir(home)
        os.chmod(home, 0o755)
        answers.append(_start(_run_all, cases[number::processes], home))
    # All are waited for, also where one failed.
    found = [_answer_of(*one) for one in answers]
    described = {}
    for result, error in found:
        if error:
            raise AssertionError(f"in a child process:\n{error}")
        described |= result
    return described


def differences(expected, found):
    """The first cases that differ and in what, as text; empty where none does."""
    different = [name for name in expected if found.get(name) != expected[name]]
    shown = [_difference(name, expected[name], found.get(name, [])) for name in different[:20]]
    return "\n".join(["", *shown, f"{len(different)} of {len(expected)} cases differ"]) if different else ""


def _difference(name, expected, found):
    lines = [name]
    lines += [f"  plain: {line}" for line in expected if line not in found]
    lines += [f"  mount: {line}" for line in found if line not in expected]
    return "\n".join(lines)


def _run_all(cases, home):
    described = {}
    for start in range(0, len(cases), BATCH):
        batch = [(case, os.path.join(home, str(start + number)))
                 for number, case in enumerate(cases[start:start + BATCH])]
        for case, where in batch:
            _in_child(_prepare, case, where)
        time.sleep(0.03)  # what is touched from here on gets another time
        before = [_times(where) for _, where in batch]
        answers = [answer_in(case, where) for case, where in batch]
        for (case, where), times, answer in zip(batch, before, answers):
            described[case.name] = _lines_of(answer) + _describe(where, times, case.shows_access_times)
            _remove(where)
    return described


def _lines_of(answer):
    return [repr(one) for one in answer] if isinstance(answer, list) else [repr(answer)]


def _prepare(case, where):
    os.mkdir(where)
    os.chmod(where, 0o777)
    os.chdir(where)
    os.umask(0)
    case.prepare()


def _act(case, where):
    os.chdir(where)
    os.umask(case.umask)
    if case.who:
        case.who.become()
    return outcome(case.act)


def answer_in(case, where):
    """What the case's call answers in this directory, prepared before."""
    return _in_child(_act, case, where)


def _in_child(function, *arguments):
    result, error = _answer_of(*_start(function, *arguments))
    if error:
        raise AssertionError(f"{arguments[0].name}:\n{error}")
    return result


def _start(function, *arguments):
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child != 0:
        os.close(writing)
        return child, reading
    try:
        answer = function(*arguments), None
    except BaseException:  # whatever it was, the parent shows it
        answer = None, traceback.format_exc()
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(answer, pipe)
    os._exit(0)


def _answer_of(child, reading):
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer) if answer else (None, "it ended without an answer")


def _names(folder):
    try:
        return sorted(os.listdir(folder))
    except PermissionError:
        return []


def _objects(where):
    """(path, lstat) of all below, as deep as whoever runs the test may look; a folder is looked into only after it was
    yielded."""
    pending = [where]
    while pending:
        path = pending.pop()
        status = outcome(os.lstat, path)
        if isinstance(status, str):
            continue
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            pending += [os.path.join(path, name) for name in reversed(_names(path))]


def _times(where):
    return {status.st_ino: (status.st_mtime_ns, status.st_ctime_ns) for _, status in _objects(where)}


def _moved(status, before):
    modified, changed = before.get(status.st_ino, (None, None))
    return ("m" if status.st_mtime_ns != modified else "-") + ("c" if status.st_ctime_ns != changed else "-")


def _stamp(time_ns):
    return "now" if time_ns > OLD_NS else str(time_ns)


def _describe(where, before, shows_access_times):
    lines = []
    for path, status in _objects(where):
        text = f"{os.path.relpath(path, where)[:40]} {status.st_mode:o} {status.st_uid}:{status.st_gid}"
        text += f" links {status.st_nlink} {_moved(status, before)} m={_stamp(status.st_mtime_ns)}"
        if shows_access_times:
            text += f" a={_stamp(status.st_atime_ns)}"
        if not stat.S_ISDIR(status.st_mode):
            text += f" {status.st_size} bytes"
        if stat.S_ISLNK(status.st_mode):
            text += f" -> {os.readlink(path)[:40]}"
        if stat.S_ISREG(status.st_mode):
            text += f" {outcome(_content, path)!r}"
        if status.st_rdev:
            text += f" device {status.st_rdev}"
        lines.append(text)
    return lines


def _content(path):
    with open(path, "rb") as file:
        return file.read(100)


def _remove(where):
    """As rm -rf by its owner would, with the modes opened first."""
    for path, status in _objects(where):
        if stat.S_ISDIR(status.st_mode):
            os.chmod(path, 0o700)
    for path, status in reversed(list(_objects(where))):
        (os.rmdir if stat.S_ISDIR(status.st_mode) else os.unlink)(path)
