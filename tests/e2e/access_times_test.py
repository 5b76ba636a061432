"""Access times: moved by reading alone, by the rule of relatime, and not at all with noatime.

The lower filesystem must itself keep them by that rule, as mounts do unless asked otherwise.
"""

import os

import harness

PAST = 10**18


class AccessTimes(harness.MountedTest):
    def make(self, *arguments):
        volume = self.new_volume(*arguments)
        path = volume.path("file")
        with open(path, "wb") as file:
            file.write(b"content" * 2000)
        return volume, path

    def set_past(self, path):
        os.utime(path, ns=(PAST, PAST + 1))

    def accessed(self, path):
        return os.lstat(path).st_atime_ns

    def read(self, path, flags=0):
        file = os.open(path, os.O_RDONLY | flags)
        try:
            return os.read(file, 100)
        finally:
            os.close(file)

    def test_a_read_that_the_kernel_serves_from_its_cache_counts_by_the_time_of_the_close(self):
        _, path = self.make()
        self.set_past(path)
        changed = os.lstat(path).st_ctime_ns
        self.read(path)
        first = self.accessed(path)
        self.assertGreater(first, PAST)
        self.read(path)
        self.assertEqual(first, self.accessed(path))
        self.assertEqual(changed, os.lstat(path).st_ctime_ns)  # else each backup would read the file again

    def test_a_read_that_the_mount_serves_counts_at_once(self):
        volume, path = self.make()
        self.set_past(path)
        volume.remount()
        with open(path, "rb", buffering=0) as file:
            self.assertEqual(PAST, self.accessed(path))
            file.read(10)
            self.assertGreater(self.accessed(path), PAST)
            self.set_past(path)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            file.seek(0)
            file.read(10)
            self.assertGreater(self.accessed(path), PAST)

    def test_opening_writing_and_looking_do_not_count(self):
        volume, path = self.make()
        self.set_past(path)
        volume.remount()
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            os.close(os.open(path, flags))
            if flags == os.O_RDONLY:
                self.set_past(path)  # who only opened it for reading counts as a reader
        file = os.open(path, os.O_WRONLY)
        os.pwrite(file, b"in the middle of a sector", 5000)
        os.close(file)
        os.truncate(path, 7000)
        os.listxattr(path)
        self.assertEqual(PAST, self.accessed(path))

    def test_o_noatime_leaves_them(self):
        volume, path = self.make()
        self.set_past(path)
        self.read(path, os.O_NOATIME)
        volume.remount()
        self.read(path, os.O_NOATIME)
        self.assertEqual(PAST, self.accessed(path))

    def test_a_mount_with_noatime_leaves_them(self):
        volume, path = self.make("-o", "noatime")
        os.mkdir(volume.path("folder"))
        for name in (path, volume.path("folder")):
            self.set_past(name)
        self.read(path)
        os.listdir(volume.path("folder"))
        volume.remount()
        self.read(path)
        os.listdir(volume.path("folder"))
        self.assertEqual([PAST, PAST], [self.accessed(name) for name in (path, volume.path("folder"))])

    def test_a_listing_counts_as_reading_a_directory(self):
        volume, _ = self.make()
        os.mkdir(volume.path("folder"))
        self.set_past(volume.path("folder"))
        os.listdir(volume.path("folder"))
        self.assertGreater(self.accessed(volume.path("folder")), PAST)


if __name__ == "__main__":
    harness.main()
