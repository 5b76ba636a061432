"""Times, modes, user xattrs and statfs as POSIX and Linux say."""

import ctypes
import errno
import os
import shutil
import stat
import time

import harness

_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_AT_FDCWD = -100


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def set_times(path, accessed, modified):
    """Each a pair (seconds, nanoseconds or UTIME_NOW or UTIME_OMIT)."""
    times = (_Timespec * 2)(_Timespec(*accessed), _Timespec(*modified))
    harness.check_libc(harness.libc.utimensat(_AT_FDCWD, os.fsencode(path), times, 0), "utimensat")


class Attributes(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        self.file = self.volume.path("file")
        with open(self.file, "wb") as file:
            file.write(b"content")

    def times(self, path):
        status = os.lstat(path)
        return status.st_atime_ns, status.st_mtime_ns

    def test_times_keep_their_nanoseconds(self):
        os.mkdir(self.volume.path("folder"))
        os.symlink("target", self.volume.path("link"))
        os.mkfifo(self.volume.path("fifo"))
        wanted = {}
        for number, name in enumerate(["file", "folder", "link", "fifo"]):
            stamp = 1_234_567_890_123_456_789 + number
            os.utime(self.volume.path(name), ns=(stamp, stamp + 1), follow_symlinks=False)
            wanted[name] = stamp, stamp + 1
        for number, stamp in enumerate([0, 1, 999_999_999, (1 << 31) * 1_000_000_000 + 1, 7_000_000_000_000_000_001]):
            name = f"stamp-{number}"
            os.close(os.open(self.volume.path(name), os.O_CREAT))
            os.utime(self.volume.path(name), ns=(stamp, stamp))
            wanted[name] = stamp, stamp
        self.volume.remount()
        found = {name: self.times(self.volume.path(name)) for name in wanted}
        found["link"] = wanted["link"][0], found["link"][1]  # the kernel reads a symlink when it pleases
        self.assertEqual(wanted, found)

    def test_times_that_are_left_and_times_that_are_now(self):
        os.utime(self.file, ns=(1_000_000_001, 2_000_000_002))
        set_times(self.file, (0, _UTIME_OMIT), (5, 6))
        self.assertEqual((1_000_000_001, 5_000_000_006), self.times(self.file))
        set_times(self.file, (7, 8), (0, _UTIME_OMIT))
        self.assertEqual((7_000_000_008, 5_000_000_006), self.times(self.file))
        before = time.time_ns() - 1_000_000_000  # the kernel's coarse clock runs a little behind
        set_times(self.file, (0, _UTIME_OMIT), (0, _UTIME_NOW))
        self.volume.remount()
        accessed, modified = self.times(self.file)
        self.assertEqual(7_000_000_008, accessed)
        self.assertTrue(before <= modified <= time.time_ns(), modified)

    def test_times_that_are_set_before_close_stay(self):
        """As tar and rsync do it. What the mount itself writes at close must not show."""
        with open(self.file, "wb", buffering=0) as file:
            file.write(self.random.randbytes(10_000))
            os.utime(file.fileno(), ns=(1_111_111_111_222_222_222, 1_111_111_111_333_333_333))
        self.assertEqual(1_111_111_111_333_333_333, os.stat(self.file).st_mtime_ns)
        self.volume.remount()
        self.assertEqual(1_111_111_111_333_333_333, os.stat(self.file).st_mtime_ns)

    def test_writing_and_truncating_move_the_time_and_reading_does_not(self):
        for change in (lambda: os.truncate(self.file, 3), self.append):
            os.utime(self.file, ns=(5, 5))
            change()
            modified = os.stat(self.file).st_mtime_ns
            self.assertGreater(modified, 10**18)
            self.volume.remount()
            self.assertEqual(modified, os.stat(self.file).st_mtime_ns)
        os.utime(self.file, ns=(5, 5))
        with open(self.file, "rb") as file:
            file.read()
        self.volume.remount()
        self.assertEqual(5, os.stat(self.file).st_mtime_ns)

    def append(self):
        with open(self.file, "ab") as file:
            file.write(b"more")

    def test_modes(self):
        os.mkdir(self.volume.path("folder"))
        modes = [0o000, 0o400, 0o644, 0o777, 0o1777, 0o2755, 0o4755, 0o7777]
        for mode in modes:
            path = self.volume.path(f"{mode:o}")
            shutil.copyfile(self.file, path)
            os.chmod(path, mode)
        os.chmod(self.volume.path("folder"), 0o1770)
        self.volume.remount()
        for mode in modes:
            self.assertEqual(oct(mode), oct(stat.S_IMODE(os.stat(self.volume.path(f"{mode:o}")).st_mode)))
            os.chmod(self.volume.path(f"{mode:o}"), 0o600)
            with open(self.volume.path(f"{mode:o}"), "rb") as file:
                self.assertEqual(b"content", file.read())
        self.assertEqual(oct(0o1770), oct(stat.S_IMODE(os.stat(self.volume.path("folder")).st_mode)))

    def test_the_umask_counts_for_new_files(self):
        old = os.umask(0o027)
        try:
            os.close(os.open(self.volume.path("new"), os.O_CREAT, 0o666))
            os.mkdir(self.volume.path("folder"), 0o777)
        finally:
            os.umask(old)
        self.volume.remount()
        self.assertEqual(["0o640", "0o750"], [oct(stat.S_IMODE(os.stat(self.volume.path(name)).st_mode))
                                             for name in ("new", "folder")])

    def test_user_xattrs(self):
        folder = self.volume.path("folder")
        os.mkdir(folder)
        values = {"user.empty": b"", "user.binary": bytes(range(256)), "user.long": self.random.randbytes(1500),
                  "user.\u00fcml\u00e4ut": b"name", "user." + "n" * 100: b"long name"}
        for path in (self.file, folder):
            for name, value in values.items():
                os.setxattr(path, name, value)
            self.assert_raises_errno(errno.EEXIST, os.setxattr, path, "user.empty", b"", os.XATTR_CREATE)
            self.assert_raises_errno(errno.ENODATA, os.setxattr, path, "user.none", b"", os.XATTR_REPLACE)
            os.setxattr(path, "user.empty", b"replaced", os.XATTR_REPLACE)
            os.setxattr(path, "user.short-lived", b"x", os.XATTR_CREATE)
            os.removexattr(path, "user.short-lived")
            self.assert_raises_errno(errno.ENODATA, os.removexattr, path, "user.none")
            self.assert_raises_errno(errno.ENODATA, os.getxattr, path, "user.none")
        values["user.empty"] = b"replaced"
        self.volume.remount()
        for path in (self.file, folder):
            listed = [name for name in os.listxattr(path) if name.startswith("user.")]
            self.assertEqual(values, {name: os.getxattr(path, name) for name in listed})
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_statfs_is_that_of_the_lower_filesystem(self):
        above, below = os.statvfs(self.volume.path()), os.statvfs(self.volume.lower)
        self.assertEqual(255, above.f_namemax)
        self.assertEqual(below.f_blocks * below.f_frsize, above.f_blocks * above.f_frsize)
        self.assertLessEqual(above.f_bavail, above.f_blocks)


if __name__ == "__main__":
    harness.main()
