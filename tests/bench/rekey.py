#!/usr/bin/env python3
"""How fast `enfold rekey` gives the files of a volume newer key material, beside rekey_floor, which only walks the
same tree, opens, reads a header, writes two pages and syncs. Figures, not a test.

  rekey.py --lower DIR --enfold PROGRAM --floor PROGRAM [--files N ...] [--size BYTES ...] [--jobs N] [--rounds N]
           [--mounted]

Each count of files with each size is one volume in DIR, made through a mount, a thousand files a directory. In each
round the key gets new material, then rekey and the floor run, in turns. Prints the medians in files a second, the
ratio, the most memory that the process held which did it, and the bytes it passed to write(2) for each file.
With --mounted the volume stays mounted, so that the mount does the work.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FILES_IN_A_DIRECTORY = 1000


class Volume:
    def __init__(self, program, place):
        self.program = program
        self.lower = os.path.join(place, "lower")
        self.mount_point = os.path.join(place, "mount")
        os.mkdir(self.lower)
        os.mkdir(self.mount_point)
        self.environment = {**os.environ, "HOME": place, "XDG_RUNTIME_DIR": place,
                            "XDG_CONFIG_HOME": place + "/config", "XDG_DATA_HOME": place + "/data"}
        self.key = json.loads(self.enfold("init", self.lower, "--json"))["key"]
        self.daemon = None

    def enfold(self, *arguments):
        return subprocess.run([self.program, *arguments], check=True, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout

    def mount(self):
        self.daemon = subprocess.Popen([self.program, "mount", "--foreground", self.lower, self.mount_point],
                                       env=self.environment, stdin=subprocess.DEVNULL)
        while not os.path.ismount(self.mount_point):
            if self.daemon.poll() is not None:
                sys.exit("the mount ended")
            time.sleep(0.02)

    def unmount(self):
        if self.daemon is None:
            return
        while subprocess.run(["fusermount3", "-u", self.mount_point], stderr=subprocess.DEVNULL).returncode:
            time.sleep(0.1)
        self.daemon.wait()
        self.daemon = None

    def fill(self, files, size):
        content = os.urandom(size)
        for number in range(files):
            directory = os.path.join(self.mount_point, str(number // FILES_IN_A_DIRECTORY))
            if number % FILES_IN_A_DIRECTORY == 0:
                os.mkdir(directory)
            fd = os.open(os.path.join(directory, str(number)), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            if size:
                os.write(fd, content)
            os.close(fd)


def written_bytes(pid):
    with open("/proc/%d/io" % pid, encoding="ascii") as counts:
        return int(dict(line.split(": ") for line in counts)["wchar"])


def peak_bytes(pid):
    """0 where the process has ended."""
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as lines:
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def run_rekey(volume, jobs):
    """Seconds, peak memory, bytes written, of the process that did the work."""
    command = [volume.program, "rekey", volume.lower, "--json"] + (["--jobs", str(jobs)] if jobs else [])
    worker = volume.daemon.pid if volume.daemon else None
    before = 0
    if worker:
        with open("/proc/%d/clear_refs" % worker, "w", encoding="ascii") as refs:
            refs.write("5")  # its peak counts from here
        before = written_bytes(worker)
    began = time.monotonic()
    # pylint: disable-next=consider-using-with
    run = subprocess.Popen(command, env=volume.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    worker = worker or run.pid
    peak = 0
    # Not reaped before its counts are read.
    while os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        peak = max(peak, peak_bytes(worker))
        time.sleep(0.005)
    took = time.monotonic() - began
    peak = max(peak, peak_bytes(worker))
    written = written_bytes(worker) - before
    answer, _ = run.communicate()
    if run.returncode != 0:
        sys.exit("rekey ended with %d: %s" % (run.returncode, answer))
    return took, peak, written, json.loads(answer)


def run_floor(program, volume, jobs):
    command = [program, volume.lower] + (["--jobs", str(jobs)] if jobs else [])
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure(options, files, size):
    place = tempfile.mkdtemp(prefix="enfold-bench-", dir=options.lower)
    volume = Volume(options.enfold, place)
    try:
        volume.mount()
        volume.fill(files, size)
        volume.unmount()
        if options.mounted:
            volume.mount()
        rates, floors, peaks, written = [], [], [], []
        for _ in range(options.rounds):
            volume.enfold("key", "rotate", volume.key)
            took, peak, wrote, answer = run_rekey(volume, options.jobs)
            if not answer["complete"] or answer["rewrapped"] < files:
                sys.exit("rekey left something: %s" % answer)
            rates.append(files / took)
            peaks.append(peak)
            written.append(wrote / files)
            floor = run_floor(options.floor, volume, options.jobs)
            if floor["files"] != files:
                sys.exit("the floor found %d files" % floor["files"])
            floors.append(floor["files_per_second"])
    finally:
        volume.unmount()
        shutil.rmtree(place)
    rate, floor = statistics.median(rates), statistics.median(floors)
    print("%9d %9d %11.0f/s %11.0f/s %7.2f %9.1f MiB %9.0f" %
          (files, size, rate, floor, rate / floor, max(peaks) / 2**20, max(written)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lower", required=True)
    parser.add_argument("--enfold", required=True)
    parser.add_argument("--floor", required=True)
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--size", type=int, nargs="+", default=[0, 4096])
    parser.add_argument("--jobs", type=int, default=0, help="of both; without it rekey takes its default, the floor 1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mounted", action="store_true")
    options = parser.parse_args()
    print("%9s %9s %13s %13s %7s %13s %9s" % ("files", "size", "rekey", "floor", "ratio", "peak", "written"))
    for files in options.files:
        for size in options.size:
            measure(options, files, size)


if __name__ == "__main__":
    main()
