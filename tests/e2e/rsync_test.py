"""rsync onto the mount, with hard links and user xattrs."""

import harness
import trees


class Rsync(harness.MountedTest):
    def rsync(self, source, target):
        """What it transferred: one line an item."""
        report = self.place.must("rsync", "-aHX", "--itemize-changes", source + "/", target + "/")
        return [line for line in report.splitlines() if line]

    def test_a_tree_arrives_and_a_second_run_transfers_nothing(self):
        volume = self.new_volume()
        source = self.place.make("source")
        trees.make_tree(source, self.random, 1200)
        expected = trees.describe(source, owners=True)

        self.rsync(source, volume.path())
        self.assertEqual("", trees.differences(expected, trees.describe(volume.path(), owners=True)))
        volume.remount()
        self.assertEqual("", trees.differences(expected, trees.describe(volume.path(), owners=True)))
        self.assertEqual([], self.rsync(source, volume.path()))

        back = self.place.make("back")
        self.rsync(volume.path(), back)
        self.assertEqual("", trees.differences(expected, trees.describe(back, owners=True)))

    def test_changes_arrive_in_place_and_by_deletion(self):
        volume = self.new_volume()
        source = self.place.make("source")
        trees.make_tree(source, self.random, 200)
        self.rsync(source, volume.path())
        volume.remount()

        trees.make_tree(self.place.make("source/more"), self.random, 100)
        with open(source + "/changed", "wb") as file:
            file.write(self.random.randbytes(3_000_000))
        self.rsync(source, volume.path())
        with open(source + "/changed", "r+b") as file:
            file.seek(1_234_567)
            file.write(self.random.randbytes(100_000))
            file.truncate(2_500_001)
        self.place.must("rsync", "-aHX", "--inplace", "--no-whole-file", source + "/", volume.path() + "/")
        self.place.must("rm", "-r", source + "/more")
        self.place.must("rsync", "-aHX", "--delete", source + "/", volume.path() + "/")

        volume.remount()
        self.assertEqual("", trees.differences(trees.describe(source), trees.describe(volume.path())))
        volume.unmount()
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main()
