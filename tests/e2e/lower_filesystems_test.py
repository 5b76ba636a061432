"""The same round trip over tmpfs, ext4 and XFS. Needs root, to make them."""

import os

import harness
import holes_test
import trees


class LowerFilesystems(harness.MountedTest):
    def round_trip(self, kind):
        volume = self.new_volume(lower=self.place.filesystem(kind, 320) + "/lower")
        tree, sparse = volume.path("tree"), volume.path("sparse")
        os.mkdir(tree)
        trees.make_tree(tree, self.random, 400, xattrs=self.has_user_xattrs(os.path.dirname(volume.lower)))
        with open(sparse, "wb") as file:
            file.seek(10 << 30)
            file.write(b"far away")
        os.truncate(sparse, 8 << 30)
        expected = trees.describe(tree)
        volume.remount()
        self.assertEqual("", trees.differences(expected, trees.describe(tree)))
        self.assertEqual(8 << 30, os.path.getsize(sparse))
        self.assertLess(os.stat(sparse).st_blocks, 1000)
        os.unlink(sparse)  # checking gigabytes of zeros would say nothing more
        volume.unmount()
        volume.must_be_clean()

    def has_user_xattrs(self, folder):
        """A tmpfs has them since Linux 6.6."""
        try:
            os.setxattr(folder, "user.probe", b"")
        except OSError:
            return False
        os.removexattr(folder, "user.probe")
        return True

    def test_tmpfs(self):
        self.round_trip("tmpfs")

    def test_ext4(self):
        self.round_trip("ext4")

    def test_xfs(self):
        self.round_trip("xfs")


class HolesOnTmpfs(holes_test.Holes):
    """Which can punch, and not zero."""
    kind = "tmpfs"


class HolesOnExt4(holes_test.Holes):
    kind = "ext4"


class HolesOnXfs(holes_test.Holes):
    kind = "xfs"


if __name__ == "__main__":
    harness.main(needs_root=True)
