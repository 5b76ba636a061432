"""What every end-to-end test stands on: a place of its own, volumes in it, and nothing left behind.

The program under test is named by the environment variable ENFOLD; random choices come from ENFOLD_TEST_SEED.
"""

import ctypes
import json
import os
import pickle
import random
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest

SEED = os.environ.get("ENFOLD_TEST_SEED") or str(secrets.randbits(64))

# Some other user, by number, so that no account has to be made.
NOBODY = 65534

IS_LONG = os.environ.get("ENFOLD_LONG") == "1"

# Not a limit for any test: it ends daemons that hang, so that their mount points do not outlive the test.
HUNG_AFTER_S = 7200 if IS_LONG else 900

_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def check_libc(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def mounts():
    """(where, filesystem type) of all mounts, the newest last. Touches none of them: a dead one would hang or fail."""
    found = []
    with open("/proc/self/mountinfo") as table:
        for line in table:
            fields = line.split(" ")
            where = fields[4].replace("\\040", " ").replace("\\134", "\\")
            found.append((where, fields[fields.index("-") + 1]))
    return found


def mounted_at(path):
    """The filesystem type on top at this path, None where nothing is mounted there."""
    path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return dict(mounts()).get(path)


def child_processes():
    """Children that have not ended. As the subreaper this process is the parent of every daemon it started."""
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid() and state != b"Z":
            found.add(int(name))
    return found


class Place:
    """A temporary directory with a home, runtime directory and key store of its own, and what is mounted in it.

    user: the uid that owns it and under which programs run in it; without one, whoever runs the test.
    """

    def __init__(self, user=None):
        self.user = user
        self.program = os.environ.get("ENFOLD", "")
        if not os.access(self.program, os.X_OK):
            raise RuntimeError(f"the environment variable ENFOLD must name the program; it is {self.program!r}")
        # /var/tmp and not /tmp: on a tmpfs kernels before 6.6 have no user xattrs.
        self.path = tempfile.mkdtemp(prefix="enfold-e2e-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        os.chmod(self.path, 0o755)
        if user is not None:
            os.chown(self.path, user, user)
            self.program = shutil.copy(self.program, self.path)  # the build may lie where this user cannot read
        self.environment = os.environ | {
            "HOME": self.make("home"),
            "XDG_CONFIG_HOME": self.make("home/config"),
            "XDG_DATA_HOME": self.make("home/data"),
            "XDG_CACHE_HOME": self.make("home/cache"),
            "XDG_RUNTIME_DIR": self.make("run", 0o700),
            "TMPDIR": self.make("tmp"),
        }
        self._daemons = set()

    def make(self, name, mode=0o755):
        path = os.path.join(self.path, name)
        os.mkdir(path, mode)
        if self.user is not None:
            os.chown(path, self.user, self.user)
        return path

    def run(self, *command, **options):
        """Runs a program to its end as this place's user; its output goes through files, since a pipe that a daemon
        kept open would never end."""
        options.setdefault("env", self.environment)
        if self.user is not None:
            options |= {"user": self.user, "group": self.user, "extra_groups": []}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, **options)
            out.seek(0)
            err.seek(0)
            done.stdout, done.stderr = (file.read().decode("utf-8", "surrogateescape") for file in (out, err))
        return done

    def must(self, *command, **options):
        done = self.run(*command, **options)
        if done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def enfold(self, *arguments, **options):
        """Runs the program; daemons that it leaves behind are this place's to end."""
        before = child_processes()
        done = self.run(self.program, *arguments, **options)
        started = child_processes() - before
        self._daemons |= started
        done.daemons = started
        return done

    def start(self, *command, **options):
        """Starts a program that goes on running; returns the Popen."""
        if self.user is not None:
            options |= {"user": self.user, "group": self.user, "extra_groups": []}
        process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, **options)
        self.adopt(process.pid)
        return process

    def adopt(self, process):
        """Ends this process with the place, if it still runs then."""
        self._daemons.add(process)

    def call(self, function, *arguments, user=None):
        """The result, or the OSError, of a function in a child process as this place's user or as another. Root cannot
        look into another user's mount; and a process of its own has its own locks and descriptors."""
        user = self.user if user is None else user
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _answer(writing, user, function, arguments)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        result, error = pickle.loads(answer)
        if error:
            raise error
        return result

    def filesystem(self, kind, size_mib):
        """Mounts an empty tmpfs, ext4 or XFS of that size and returns where. Needs root."""
        where = self.make(f"{kind}-disk")
        if kind == "tmpfs":
            self.must("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", where)
        else:
            image = os.path.join(self.path, f"{kind}.image")
            with open(image, "wb") as file:
                file.truncate(size_mib << 20)
            self.must(f"mkfs.{kind}", "-q", image)
            # Without a fixed device: umount frees it with the mount.
            self.must("mount", "-t", kind, "-o", "loop", image, where)
        return where

    def wait_for(self, daemon):
        """The exit code of a daemon that was told to end (negative: the signal that ended it)."""
        _, status = os.waitpid(daemon, 0)
        self._daemons.discard(daemon)
        return os.waitstatus_to_exitcode(status)

    def kill_daemons(self):
        for daemon in list(self._daemons):
            try:
                os.kill(daemon, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        for path in reversed([where for where, _ in mounts() if where.startswith(self.path + "/")]):
            unmount, lazily = (["umount"], "-l") if os.geteuid() == 0 else (["fusermount3", "-u"], "-z")
            if subprocess.run([*unmount, path], capture_output=True).returncode != 0:
                subprocess.run([*unmount, lazily, path])
        # An unmounted daemon ends by itself; what has not ended after a while never will.
        for turn in range(101):
            self._daemons = {daemon for daemon in self._daemons if not _has_ended(daemon)}
            if not self._daemons:
                break
            if turn == 99:
                self.kill_daemons()
            time.sleep(0.1)
        shutil.rmtree(self.path)


def _has_ended(child):
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:  # it was waited for already
        return True


def _answer(writing, user, function, arguments):
    """The child's side of Place.call: never returns."""
    try:
        if user is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        answer = function(*arguments), None
    except OSError as error:
        answer = None, error
    except BaseException:  # whatever it was, the parent shows it
        answer = None, AssertionError(f"in a child process:\n{traceback.format_exc()}")
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(answer, pipe)
    os._exit(0)


class Volume:
    """One encrypted directory and the mount of it."""

    def __init__(self, place, name="volume", lower=None):
        self.place = place
        self.lower = lower or os.path.join(place.path, f"{name}.lower")
        self.mountpoint = place.make(f"{name}.mnt")
        self.keys = os.path.join(place.path, f"{name}.keys")
        self.kms = f"embedded:{self.keys}"
        self.daemon = None
        self.options = []

    def init(self):
        self.place.must(self.place.program, "init", self.lower, "--kms", self.kms)
        return self

    def try_mount(self, *arguments):
        return self.place.enfold("mount", self.lower, self.mountpoint, *arguments)

    def mount(self, *arguments):
        """Mounts; the arguments are used by remount() too."""
        done = self.try_mount(*arguments)
        if done.returncode != 0 or len(done.daemons) != 1 or not mounted_at(self.mountpoint):
            raise AssertionError(f"mount ended with {done.returncode}, daemons {done.daemons}: {done.stderr}")
        (self.daemon,) = done.daemons
        self.options = arguments
        return self

    def unmount(self, command=None):
        """Unmounts as its user would, and waits until the daemon has ended without an error."""
        as_root = os.geteuid() == 0 and self.place.user is None
        self.place.must(*(command or (["umount"] if as_root else ["fusermount3", "-u"])), self.mountpoint)
        self.ended(0)

    def ended(self, expected):
        """Waits for the daemon, whose mount is gone or going."""
        code = self.place.wait_for(self.daemon)
        self.daemon = None
        if code != expected:
            raise AssertionError(f"the mount's process ended with {code}, not {expected}")

    def remount(self):
        self.unmount()
        self.mount(*self.options)

    def kill(self):
        """SIGKILL; the dead mount point stays."""
        os.kill(self.daemon, signal.SIGKILL)
        self.place.wait_for(self.daemon)
        self.daemon = None

    def path(self, *names):
        return os.path.join(self.mountpoint, *names)

    def check(self):
        return self.place.enfold("check", self.lower)

    def must_be_clean(self):
        done = self.check()
        if done.returncode != 0:
            raise AssertionError(f"check ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def json(self, *arguments):
        return json.loads(self.place.must(self.place.program, *arguments, "--json"))

    def lower_of(self, path):
        """The lower file behind a file of the mount: both have the same inode number."""
        number = os.lstat(path).st_ino
        for folder, _, files in os.walk(self.lower):
            for name in files:
                if os.lstat(os.path.join(folder, name)).st_ino == number:
                    return os.path.join(folder, name)
        raise AssertionError(f"{path} has the inode number {number}, which nothing below {self.lower} has")


class MountedTest(unittest.TestCase):
    """A test with a place of its own."""

    maxDiff = 4000
    user = None

    def setUp(self):
        self.random = random.Random(f"{SEED}/{self.id()}")
        self.place = Place(self.user)
        self.addCleanup(self.place.close)
        hung = threading.Timer(HUNG_AFTER_S, self.place.kill_daemons)
        hung.daemon = True
        hung.start()
        self.addCleanup(hung.cancel)
        OPEN_PLACES.append(self.place)
        self.addCleanup(OPEN_PLACES.remove, self.place)

    def new_volume(self, *arguments, name="volume", lower=None):
        """A mounted volume."""
        return Volume(self.place, name, lower).init().mount(*arguments)

    def assert_raises_errno(self, number, function, *arguments, **named):
        with self.assertRaises(OSError) as raised:
            function(*arguments, **named)
        self.assertEqual(os.strerror(raised.exception.errno), os.strerror(number))


OPEN_PLACES = []


def become_subreaper():
    """Daemons that mounts leave behind become children of this process, which can wait for them."""
    check_libc(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def use_own_mounts():
    """As root: what is mounted from here on is seen by this process and its children alone, and ends with them."""
    check_libc(libc.unshare(_CLONE_NEWNS), "unshare")
    check_libc(libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None), "mount")
    # A killed mount leaves its control socket behind until the next mount; here it ends with the test.
    os.makedirs("/run/enfold", mode=0o700, exist_ok=True)
    check_libc(libc.mount(b"tmpfs", b"/run/enfold", b"tmpfs", ctypes.c_ulong(0), b"mode=0700"), "mount")
    device = os.stat("/dev/fuse")
    if device.st_mode & 0o666 != 0o666:  # Debian has it open to all; a container may not
        check_libc(libc.mount(b"tmpfs", b"/mnt", b"tmpfs", ctypes.c_ulong(0), None), "mount")
        os.mknod("/mnt/fuse", stat.S_IFCHR, device.st_rdev)
        os.chmod("/mnt/fuse", 0o666)
        check_libc(libc.mount(b"/mnt/fuse", b"/dev/fuse", None, ctypes.c_ulong(_MS_BIND), None), "mount")


def main(needs_root=False):
    """Runs the tests of the calling file. What needs root asks sudo for it."""
    if needs_root and os.geteuid() != 0:
        kept = [f"{name}={os.environ[name]}" for name in ("ENFOLD", "ENFOLD_KMSD", "ENFOLD_LOWER_CALLS", "ENFOLD_LONG", "PATH")
                if name in os.environ]
        os.execvp("sudo", ["sudo", "env", *kept, f"ENFOLD_TEST_SEED={SEED}", sys.executable, "-B", *sys.argv])
    print(f"ENFOLD_TEST_SEED={SEED}", flush=True)
    become_subreaper()
    if os.geteuid() == 0:
        use_own_mounts()
    # SIGTERM as Ctrl-C, so that being told to stop cleans up too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.umask(0o022)
    try:
        unittest.main(module="__main__", verbosity=2)
    finally:
        for place in list(OPEN_PLACES):
            place.close()
