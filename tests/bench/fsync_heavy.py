#!/usr/bin/env python3
"""What programs pay that sync each small step: SQLite transactions, a mail spool of small fsynced files, files
that are truncated and written again. Figures, not a test.

  fsync_heavy.py --lower DIR [--rounds N] [--steps N] [--enfold NAME=PROGRAM ...] [--count]

Each target runs each work on the same lower filesystem, interleaved round by round; prints the median of the
rounds in steps a second, and the ratio to gocryptfs. `plain` is the lower directory itself. With --count each
daemon runs under strace, and the syncs it asks the lower filesystem for are counted for each step instead.
Needs the Debian packages gocryptfs, strace and fuse3.
"""
import argparse
import collections
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

SYNCS = ("fsync", "fdatasync", "syncfs", "sync_file_range")


def quiet(command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **options)


def wait_until(true):
    while not true():
        time.sleep(0.02)


class Target:
    """A directory to work in, over `lower`."""

    def __init__(self, name, place):
        self.name = name
        self.place = place
        self.lower = os.path.join(place, "lower")
        self.mount_point = os.path.join(place, "mount")
        os.mkdir(self.lower)
        os.mkdir(self.mount_point)

    def commands(self):
        """To make it, and to serve it in the foreground."""
        raise NotImplementedError

    def environment(self):
        return {**os.environ, "HOME": self.place, "XDG_RUNTIME_DIR": self.place,
                "XDG_CONFIG_HOME": self.place + "/config", "XDG_DATA_HOME": self.place + "/data"}

    def start(self, trace):
        make, serve = self.commands()
        quiet(make, env=self.environment())
        traced = ["strace", "-f", "-o", trace, "-e", "trace=" + ",".join(SYNCS)] if trace else []
        self.daemon = subprocess.Popen(traced + serve, env=self.environment(), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.ismount(self.mount_point) or self.daemon.poll() is not None)
        return self.mount_point

    def stop(self):
        while subprocess.run(["fusermount3", "-u", self.mount_point], stderr=subprocess.DEVNULL).returncode:
            time.sleep(0.1)
        self.daemon.wait()


class Plain(Target):
    def start(self, trace):
        return self.lower

    def stop(self):
        pass


class Gocryptfs(Target):
    def commands(self):
        secret = os.path.join(self.place, "secret")
        with open(secret, "w", encoding="ascii") as file:
            file.write("benchmark")
        return (["gocryptfs", "-q", "-init", "-scryptn", "10", "-passfile", secret, self.lower],
                ["gocryptfs", "-q", "-fg", "-passfile", secret, self.lower, self.mount_point])


class Enfold(Target):
    program = ""

    def commands(self):
        return ([self.program, "init", self.lower], [self.program, "mount", "-f", self.lower, self.mount_point])


def sqlite_commits(directory, steps):
    base = sqlite3.connect(os.path.join(directory, "base.db"), isolation_level=None)
    base.execute("create table t(id integer primary key, text blob)")
    began = time.monotonic()
    for step in range(steps):
        base.execute("begin")
        base.execute("insert into t values(?, ?)", (step, os.urandom(200)))
        base.execute("commit")
    took = time.monotonic() - began
    base.close()
    return took


def sqlite_wal_commits(directory, steps):
    base = sqlite3.connect(os.path.join(directory, "wal.db"), isolation_level=None)
    base.execute("pragma journal_mode=wal")
    base.execute("pragma synchronous=full")
    base.execute("create table t(id integer primary key, text blob)")
    began = time.monotonic()
    for step in range(steps):
        base.execute("insert into t values(?, ?)", (step, os.urandom(200)))
    took = time.monotonic() - began
    base.close()
    return took


def write_synced(path, content, flags):
    fd = os.open(path, os.O_WRONLY | flags, 0o644)
    os.write(fd, content)
    os.fsync(fd)
    os.close(fd)


def sync_directory(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


def mail_deliveries(directory, steps):
    """As a maildir: written and synced in tmp, renamed into new, whose directory is synced."""
    new, tmp = os.path.join(directory, "new"), os.path.join(directory, "tmp")
    os.mkdir(new)
    os.mkdir(tmp)
    mail = os.urandom(4000)
    began = time.monotonic()
    for step in range(steps):
        write_synced(os.path.join(tmp, str(step)), mail, os.O_CREAT | os.O_EXCL)
        os.rename(os.path.join(tmp, str(step)), os.path.join(new, str(step)))
        sync_directory(new)
    return time.monotonic() - began


def truncating_writes(directory, steps):
    """Files of a durable epoch, written anew as `cp` and shells do."""
    files = [os.path.join(directory, "again%d" % number) for number in range(16)]
    for file in files:
        write_synced(file, os.urandom(9000), os.O_CREAT)
    os.sync()
    time.sleep(6)  # a checkpoint
    began = time.monotonic()
    for step in range(steps):
        fd = os.open(files[step % len(files)], os.O_WRONLY | os.O_TRUNC)
        os.write(fd, b"x" * 9000)
        os.close(fd)
    return time.monotonic() - began


WORKS = (sqlite_commits, sqlite_wal_commits, mail_deliveries, truncating_writes)


def count_syncs(trace):
    counts = collections.Counter()
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = re.match(r"\d+\s+(\w+)\(", line)
            if call:
                counts[call[1]] += 1
    return counts


def run(target_class, name, options):
    """Seconds, or syncs, of each work."""
    results = {}
    for work in WORKS:
        place = tempfile.mkdtemp(prefix="enfold-bench-", dir=options.lower)
        target = target_class(name, place)
        trace = tempfile.mktemp(prefix="enfold-trace-") if options.count and target_class is not Plain else None
        directory = target.start(trace)
        try:
            took = work(directory, options.steps)
        finally:
            target.stop()
            shutil.rmtree(place)
        if trace:
            counts = count_syncs(trace)
            os.unlink(trace)
            results[work.__name__] = {call: round(n / options.steps, 3) for call, n in counts.items()}
        else:
            results[work.__name__] = options.steps / took
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lower", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--enfold", action="append", default=[], metavar="NAME=PROGRAM")
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    targets = [("plain", Plain), ("gocryptfs", Gocryptfs)]
    for given in options.enfold:
        name, program = given.split("=", 1)
        targets.append((name, type("Enfold_" + name, (Enfold,), {"program": program})))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.count:
        for name, target_class in targets[1:]:
            for work, counts in run(target_class, name, options).items():
                print("%-20s %-12s %s" % (work, name, counts))
        return
    figures = collections.defaultdict(lambda: collections.defaultdict(list))
    for _ in range(options.rounds):
        for name, target_class in targets:
            for work, rate in run(target_class, name, options).items():
                figures[work][name].append(rate)
    for work, by_target in figures.items():
        reference = statistics.median(by_target["gocryptfs"])
        for name, rates in by_target.items():
            rate = statistics.median(rates)
            print("%-20s %-12s %9.1f/s  %5.2f" % (work, name, rate, rate / reference))


if __name__ == "__main__":
    main()
