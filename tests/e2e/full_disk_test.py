"""A lower filesystem that is full. Needs root, to make a small one."""

import errno
import os

import harness
import trees


class FullDisk(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.disk = self.place.filesystem("tmpfs", 24)
        self.volume = self.new_volume(lower=self.disk + "/lower")
        os.mkdir(self.volume.path("old"))
        trees.make_tree(self.volume.path("old"), self.random, 60, xattrs=False)
        self.expected = trees.describe(self.volume.path("old"))

    def fill(self, name, chunk=200_000):
        """Writes until the disk is full, and returns what fsync returned for; the error must reach write, fsync or
        close."""
        written = synced = b""
        with self.assertRaises(OSError) as raised:
            with open(self.volume.path(name), "ab", buffering=0) as file:
                while True:
                    piece = self.random.randbytes(chunk)
                    written += piece[:file.write(piece)]
                    os.fsync(file.fileno())
                    synced = written
        self.assertEqual(errno.ENOSPC, raised.exception.errno)
        return synced

    def assert_old_files_intact(self):
        self.assertEqual("", trees.differences(self.expected, trees.describe(self.volume.path("old"))))

    def test_the_error_arrives_and_older_files_stay_whole(self):
        synced = self.fill("big")
        self.assertGreater(len(synced), 1_000_000)
        self.assert_old_files_intact()
        with open(self.volume.path("big"), "rb") as file:
            self.assertTrue(file.read(len(synced)) == synced, "what fsync returned for is not there")
        self.volume.remount()
        self.assert_old_files_intact()
        with open(self.volume.path("big"), "rb") as file:
            self.assertTrue(file.read(len(synced)) == synced)
        self.volume.must_be_clean()

        os.unlink(self.volume.path("big"))
        content = self.random.randbytes(2_000_000)
        with open(self.volume.path("after"), "wb") as file:
            file.write(content)
        self.volume.remount()
        with open(self.volume.path("after"), "rb") as file:
            self.assertTrue(file.read() == content)
        self.assert_old_files_intact()
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_zeroing_beyond_what_fits_zeroes_nothing(self):
        """It did, and readers saw the old bytes until the kernel forgot them."""
        content, path = self.random.randbytes(1_000_000), self.volume.path("zeroed")
        with open(path, "wb") as file:
            file.write(content)
        for keep in ([], ["--keep-size"]):
            done = self.place.run("fallocate", "--zero-range", *keep, "--offset", "100000", "--length", "1G", path)
            self.assertIn("No space left", done.stderr)
            for _ in range(2):
                with open(path, "rb") as file:
                    self.assertTrue(file.read() == content)
                self.volume.remount()

    def test_small_files_and_directories_until_nothing_goes(self):
        made, folders = {}, set()
        with self.assertRaises(OSError) as raised:
            for number in range(100_000):
                if number % 10 == 0:
                    os.mkdir(self.volume.path(f"folder-{number}"))
                    folders.add(f"folder-{number}")
                with open(self.volume.path(f"small-{number}"), "wb", buffering=0) as file:
                    file.write(b"%d" % number)
                made[f"small-{number}"] = b"%d" % number
        self.assertEqual(errno.ENOSPC, raised.exception.errno)
        self.volume.remount()
        self.assert_old_files_intact()
        for name, content in made.items():
            with open(self.volume.path(name), "rb") as file:
                self.assertEqual(content, file.read())
        self.assertLessEqual(folders, set(os.listdir(self.volume.path())))
        self.volume.must_be_clean()
        for name in made:
            os.unlink(self.volume.path(name))
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_an_old_file_that_cannot_grow_keeps_its_content(self):
        content = self.random.randbytes(100_001)
        for name in ("grows", "overwritten"):
            with open(self.volume.path(name), "wb") as file:
                file.write(content)
        self.fill("big", chunk=4000)
        self.assert_raises_errno(errno.ENOSPC, self.append, "grows")
        with open(self.volume.path("overwritten"), "r+b", buffering=0) as file:
            file.write(b"overwriting in place needs no space")
        self.volume.remount()
        with open(self.volume.path("grows"), "rb") as file:
            self.assertTrue(file.read(len(content)) == content)
        with open(self.volume.path("overwritten"), "rb") as file:
            self.assertTrue(file.read() == b"overwriting in place needs no space" + content[35:])
        self.volume.unmount()
        self.volume.must_be_clean()

    def append(self, name):
        with open(self.volume.path(name), "ab", buffering=0) as file:
            file.write(b"x" * 500_000)
            os.fsync(file.fileno())


if __name__ == "__main__":
    harness.main(needs_root=True)
