"""tar: extracting onto the mount, and making an archive on it from files on it."""

import harness
import trees


class Tar(harness.MountedTest):
    def test_an_archive_survives_extraction_and_creation_over_remounts(self):
        volume = self.new_volume()
        source = self.place.make("source")
        trees.make_tree(source, self.random, 800)
        expected = trees.describe(source)
        archive = self.place.path + "/in.tar"
        # The pax format keeps nanoseconds.
        self.place.must("tar", "--format=pax", "--xattrs", "--sparse", "-C", source, "-cf", archive, ".")

        target = volume.path("tree")
        self.place.must("mkdir", target)
        self.place.must("tar", "--xattrs", "-C", target, "-xpf", archive)
        volume.remount()
        self.assertEqual("", trees.differences(expected, trees.describe(target)))

        inner = volume.path("out.tar")
        self.place.must("tar", "--format=pax", "--xattrs", "--sparse", "-C", target, "-cf", inner, ".")
        volume.remount()
        back = self.place.make("back")
        self.place.must("tar", "--xattrs", "-C", back, "-xpf", inner)
        self.assertEqual("", trees.differences(expected, trees.describe(back)))
        self.place.must("tar", "-C", target, "--compare", "-f", inner)


if __name__ == "__main__":
    harness.main()
