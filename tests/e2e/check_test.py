"""`enfold check` beside a mount and without one, with whole and with damaged files."""

import errno
import os

import harness
import trees


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


class Check(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        os.mkdir(self.volume.path("folder"))
        trees.make_tree(self.volume.path("folder"), self.random, 100)
        self.victim = self.volume.path("folder", "the victim")
        with open(self.victim, "wb") as file:
            file.write(self.random.randbytes(30_000))
        self.lower = self.volume.lower_of(self.victim)
        self.neighbours = trees.describe(self.volume.path("folder"))
        del self.neighbours[b"the victim"]

    def damage_and_find(self, offset):
        """With the mount away; the damage is found and named, nothing else suffers, and it can be removed."""
        self.volume.unmount()
        flip(self.lower, offset)
        self.assert_found()
        self.volume.mount()
        self.assertIn("the victim", os.listdir(self.volume.path("folder")))
        self.assert_raises_errno(errno.EIO, self.read_all)
        self.assert_found()
        os.unlink(self.victim)
        self.assertEqual("", trees.differences(self.neighbours, trees.describe(self.volume.path("folder"))))
        self.volume.must_be_clean()
        self.volume.unmount()
        self.volume.must_be_clean()

    def assert_found(self):
        done = self.volume.check()
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("folder/the victim", done.stdout)
        self.assertIn(os.path.basename(self.lower), done.stdout)

    def read_all(self):
        with open(self.victim, "rb") as file:
            file.read()

    def test_a_whole_volume_is_clean_mounted_and_unmounted(self):
        self.volume.must_be_clean()
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_a_check_beside_a_mount_sees_what_is_being_written(self):
        with open(self.victim, "r+b", buffering=0) as file:
            file.write(self.random.randbytes(70_001))
            self.volume.must_be_clean()
            file.truncate(4065)
            self.volume.must_be_clean()
        self.volume.must_be_clean()

    def test_a_flipped_bit_in_a_sector(self):
        self.damage_and_find(4096 * 3 + self.random.randrange(4096))

    def test_a_flipped_bit_in_the_header(self):
        self.damage_and_find(self.random.randrange(400))

    def test_damage_below_a_mount_is_found_through_it(self):
        self.volume.remount()
        flip(self.lower, 4096 * 2 + 100)
        self.assert_found()
        self.assert_raises_errno(errno.EIO, self.read_all)
        self.assertEqual("", trees.differences(self.neighbours, self.without_victim()))

    def without_victim(self):
        os.unlink(self.victim)
        return trees.describe(self.volume.path("folder"))

    def test_a_marker_that_was_taken_away_is_repaired(self):
        marker = os.path.dirname(self.lower) + "/enfold.dir"
        with open(marker, "rb") as file:
            good = file.read()
        for bad in (None, b"", bytes(96), good[::-1]):
            self.volume.unmount()
            os.unlink(marker)
            if bad is not None:
                with open(marker, "wb") as file:
                    file.write(bad)
            self.assertEqual(1, self.volume.check().returncode)
            done = self.repair()
            self.assertEqual(1, done.returncode, done.stdout + done.stderr)
            self.assertIn("repaired: /folder", done.stdout)
            self.volume.must_be_clean()
            with open(marker, "rb") as file:
                self.assertEqual(good, file.read())
            self.volume.mount()
            self.assertIn("the victim", os.listdir(self.volume.path("folder")))
        self.assertEqual("", trees.differences(self.neighbours, self.without_victim()))

    def test_a_mounted_volume_is_not_repaired_behind_the_mount(self):
        done = self.repair()
        self.assertEqual(15, done.returncode, done.stdout + done.stderr)
        self.assertIn("unmount", done.stderr)
        self.volume.must_be_clean()

    def repair(self):
        return self.volume.place.enfold("check", "--repair", self.volume.lower)

    def test_things_that_are_not_ours_are_reported_and_harm_nothing(self):
        self.volume.unmount()
        folder = os.path.dirname(self.lower)
        os.mkfifo(folder + "/planted-fifo")
        os.symlink("/etc/passwd", folder + "/planted-link")
        with open(folder + "/notes.txt", "w") as file:
            file.write("not a file of a volume")
        done = self.volume.check()
        self.assertEqual(1, done.returncode)
        for name in ("planted-fifo", "planted-link", "notes.txt"):
            self.assertIn(name, done.stdout)
        self.volume.mount()
        os.unlink(self.victim)
        self.assertEqual("", trees.differences(self.neighbours, trees.describe(self.volume.path("folder"))))


if __name__ == "__main__":
    harness.main()
