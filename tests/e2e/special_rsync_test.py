"""rsync -aHAX as root in both directions: hard links, ACLs, devices, FIFOs, sockets, holes, xattrs of every namespace,
symlink times. ENFOLD_LONG=1 takes a larger tree."""

import os

import harness
import special_trees
import trees

FILES = 20_000 if harness.IS_LONG else 1000


class SpecialRsync(harness.MountedTest):
    def rsync(self, source, target, *more):
        """What it transferred: one line an item."""
        report = self.place.must("rsync", "-aHAX", "--sparse", "--itemize-changes", *more, source + "/", target + "/")
        return [line for line in report.splitlines() if line]

    def assert_equal_trees(self, expected, path):
        # rsync sets no times of FIFOs, sockets and devices.
        self.assertEqual("", trees.differences(expected, self.describe(path)))

    def describe(self, path):
        return special_trees.describe(path, timed=trees.TIMED_LINKS)

    def test_everything_arrives_and_comes_back(self):
        source = self.place.make("source")
        special_trees.make_special_tree(source, self.random, FILES)
        expected = self.describe(source)
        volume = self.new_volume()
        self.rsync(source, volume.path())
        self.assert_equal_trees(expected, volume.path())
        volume.remount()
        self.assert_equal_trees(expected, volume.path())
        self.assertEqual([], self.rsync(source, volume.path()))

        back = self.place.make("back")
        self.rsync(volume.path(), back)
        self.assert_equal_trees(expected, back)
        self.assertEqual([], self.rsync(back, volume.path(), "--checksum"))
        volume.unmount()
        volume.must_be_clean()

    def test_what_was_made_on_the_mount_is_copied_out_and_into_another_mount(self):
        first, second = self.new_volume(name="first"), self.new_volume(name="second")
        os.mkdir(first.path("tree"))
        special_trees.make_special_tree(first.path("tree"), self.random, FILES)
        expected = self.describe(first.path("tree"))
        first.remount()
        self.assert_equal_trees(expected, first.path("tree"))

        self.rsync(first.path(), second.path())
        second.remount()
        self.assert_equal_trees(expected, second.path("tree"))
        outside = self.place.make("outside")
        self.rsync(second.path(), outside)
        self.assert_equal_trees(expected, outside + "/tree")

    def test_holes_stay_holes(self):
        volume = self.new_volume()
        source = self.place.make("source")
        with open(source + "/sparse", "wb") as file:
            for position in range(0, 200 << 20, 50 << 20):
                file.seek(position + self.random.randint(0, 5000))
                file.write(self.random.randbytes(self.random.randint(1, 10_000)))
            file.truncate(300 << 20)
        self.rsync(source, volume.path())
        volume.remount()
        back = self.place.make("back")
        self.rsync(volume.path(), back)
        self.assertEqual("", trees.differences(trees.describe(source), trees.describe(back)))
        for path in (volume.path("sparse"), back + "/sparse"):
            self.assertLess(os.stat(path).st_blocks * 512, 1 << 20)


if __name__ == "__main__":
    harness.main(needs_root=True)
