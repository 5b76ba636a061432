"""Disabling, enabling and rotating the master key beside a mount."""

import errno
import os
import time

import harness

CACHE_SECONDS = 1


class KeyLife(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume("-o", f"key_cache_seconds={CACHE_SECONDS}")
        self.files = {}
        for name in ("first", "second", "third"):
            self.write(name)

    def write(self, name):
        self.files[name] = self.random.randbytes(50_000)
        with open(self.volume.path(name), "wb") as file:
            file.write(self.files[name])

    def read(self, name):
        with open(self.volume.path(name), "rb") as file:
            return file.read()

    def key(self, action):
        key = self.volume.json("status", self.volume.lower)["key"]
        self.place.must(self.place.program, "key", action, key, "--kms", self.volume.kms)

    def assert_all_read(self):
        for name, content in self.files.items():
            self.assertTrue(self.read(name) == content, name)

    def test_a_disabled_key_ends_reading_within_the_cache_time_and_an_enabled_one_resumes_it(self):
        self.volume.remount()
        opened = os.open(self.volume.path("second"), os.O_RDONLY)  # its key is in the cache now
        os.pread(opened, 10, 0)
        self.key("disable")
        time.sleep(CACHE_SECONDS + 0.2)

        self.assert_raises_errno(errno.EKEYREVOKED, self.read, "first")
        # Far from what was read, so that the kernel has no page of it.
        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        self.assert_raises_errno(errno.EKEYREVOKED, os.pread, opened, 10, 45_000)
        self.assert_raises_errno(errno.EKEYREVOKED, self.write, "new")
        self.assertEqual(["first", "second", "third"], sorted(os.listdir(self.volume.path())))

        self.key("enable")
        time.sleep(1.1)  # for a second an open file repeats a refusal without asking again
        self.assertTrue(os.pread(opened, 50_000, 0) == self.files["second"])
        os.close(opened)
        self.write("new")
        self.volume.remount()
        self.assert_all_read()

    def test_a_volume_whose_key_is_disabled_does_not_mount_until_it_is_enabled(self):
        self.key("disable")
        self.volume.unmount()
        done = self.volume.try_mount()
        self.assertNotEqual(0, done.returncode)
        self.assertIn("disabled", done.stderr.lower())
        self.assertIsNone(harness.mounted_at(self.volume.mountpoint))
        self.place.must(self.place.program, "key", "enable", self.only_key(), "--kms", self.volume.kms)
        self.volume.mount()
        self.assert_all_read()

    def only_key(self):
        (key,) = self.volume.json("key", "list", "--kms", self.volume.kms)["keys"]
        return key["arn"]

    def material(self, name):
        """Of the envelope that opens the file, by `inspect` without any key."""
        slot = self.volume.json("inspect", self.volume.lower_of(self.volume.path(name)))["envelope"]
        (recipient,) = slot["recipients"]
        return recipient["material"]

    def test_after_a_rotation_old_files_open_and_new_ones_name_the_new_material(self):
        before = {name: self.material(name) for name in self.files}
        self.assertEqual(1, len(set(before.values())))
        self.key("rotate")
        self.write("new")
        os.truncate(self.volume.path("first"), 10)
        self.files["first"] = self.files["first"][:10]
        self.volume.remount()
        self.assert_all_read()
        self.assertEqual(before, {name: self.material(name) for name in before}, "a rotation re-wraps nothing")
        self.assertNotEqual(before["first"], self.material("new"))
        self.volume.unmount()
        self.volume.must_be_clean()


if __name__ == "__main__":
    harness.main()
