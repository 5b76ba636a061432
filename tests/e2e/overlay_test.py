"""overlayfs with a mount as its lower layer, and what it says to a mount as its upper layer. Needs root."""

import errno
import os
import stat

import harness
import special_trees
import trees


def facts(path):
    """What an overlay keeps of a tree: without an index, all but which names are links of one file."""
    described = special_trees.describe(path)
    return {name: [fact for fact in found if not isinstance(fact, bytes)] for name, found in described.items()}


class Overlay(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        self.lower = self.volume.path("lower")
        os.mkdir(self.lower)
        disk = self.place.filesystem("ext4", 64)
        self.upper, self.work, self.merged = f"{disk}/upper", f"{disk}/work", self.place.make("merged")
        for path in (self.upper, self.work):
            os.mkdir(path)

    def mount_overlay(self, *options, upper=None, work=None):
        """What mount(8) answered."""
        given = ",".join([f"lowerdir={self.lower}", f"upperdir={upper or self.upper}", f"workdir={work or self.work}",
                          *options])
        return self.place.run("mount", "-t", "overlay", "-o", given, "overlay", self.merged)

    def must_mount(self, *options):
        done = self.mount_overlay(*options)
        self.assertEqual(0, done.returncode, done.stderr)

    def path(self, *names):
        return os.path.join(self.merged, *names)

    def write(self, path, content):
        with open(path, "wb") as file:
            file.write(content)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def test_a_tree_is_read_through_it_and_copied_up_with_all_that_it_has(self):
        special_trees.make_special_tree(self.lower, self.random, 300)
        expected = facts(self.lower)
        self.must_mount()
        self.assertEqual("", trees.differences(expected, facts(self.merged)))
        # A change of any kind copies the file up; and changing it back leaves what was there.
        for folder, directories, names in os.walk(self.merged):
            for name in names + directories:
                self.touch(os.path.join(folder, name))
        self.assertEqual("", trees.differences(expected, facts(self.merged)))
        self.assertEqual("", trees.differences(expected, facts(self.lower)))
        self.place.must("umount", self.merged)
        self.volume.remount()
        self.must_mount()
        self.assertEqual("", trees.differences(expected, facts(self.merged)))

    def touch(self, path):
        times = os.lstat(path)
        os.utime(path, ns=(1, 1), follow_symlinks=False)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)

    def test_changes_stay_in_the_upper_layer(self):
        self.write(self.lower + "/file", b"below" * 3000)
        self.write(self.lower + "/removed", b"removed")
        self.write(self.lower + "/linked", b"linked")
        os.link(self.lower + "/linked", self.lower + "/linked too")
        os.makedirs(self.lower + "/folder/inner")
        self.write(self.lower + "/folder/inner/file", b"inner")
        before = trees.describe(self.lower)
        self.must_mount("redirect_dir=on", "index=off")

        with open(self.path("file"), "r+b") as file:
            file.seek(5000)
            file.write(b"above")
        os.unlink(self.path("removed"))
        self.assertTrue(stat.S_ISCHR(os.lstat(self.upper + "/removed").st_mode))  # a whiteout
        os.rename(self.path("folder"), self.path("renamed"))
        self.assertEqual(b"inner", self.read(self.path("renamed/inner/file")))
        os.link(self.path("file"), self.path("file too"))
        self.write(self.path("linked"), b"changed")
        self.place.must("rm", "-r", self.path("renamed/inner"))
        os.mkdir(self.path("renamed/inner"))  # opaque: nothing of the lower one shows
        self.assertEqual([], os.listdir(self.path("renamed/inner")))

        merged = trees.describe(self.merged)
        self.place.must("umount", self.merged)
        self.assertEqual("", trees.differences(before, trees.describe(self.lower)))
        self.volume.remount()
        self.must_mount("redirect_dir=on", "index=off")
        self.assertEqual("", trees.differences(merged, trees.describe(self.merged)))
        self.assertEqual({"file", "file too", "linked", "linked too", "renamed"}, set(os.listdir(self.merged)))
        self.assertEqual(b"below" * 1000 + b"above" + b"below" * 1999, self.read(self.path("file too")))

    def test_without_redirects_a_directory_of_the_lower_layer_is_not_renamed(self):
        os.makedirs(self.lower + "/folder")
        self.must_mount("redirect_dir=off")
        self.assert_raises_errno(errno.EXDEV, os.rename, self.path("folder"), self.path("renamed"))
        self.place.must("mv", self.path("folder"), self.path("renamed"))  # by copying
        self.assertEqual(["renamed"], os.listdir(self.merged))

    def test_a_database_works_above_it(self):
        database = self.lower + "/database"
        self.place.must("sqlite3", database, "CREATE TABLE t (n); INSERT INTO t VALUES (1)")
        self.must_mount()
        self.place.must("sqlite3", self.path("database"), "INSERT INTO t VALUES (2)")
        self.assertEqual("3\n", self.place.must("sqlite3", self.path("database"), "SELECT sum(n) FROM t"))
        self.assertEqual("1\n", self.place.must("sqlite3", database, "SELECT sum(n) FROM t"))

    def test_a_mount_is_refused_as_upper_layer(self):
        """overlayfs wants RENAME_WHITEOUT of an upper layer whose names must be asked for again (any FUSE mount)."""
        for name in ("upper", "work"):
            os.mkdir(self.volume.path(name))
        self.lower = self.place.make("plain")
        refused = self.mount_overlay(upper=self.volume.path("upper"), work=self.volume.path("work"))
        self.assertNotEqual(0, refused.returncode)
        self.assertNotIn(self.merged, [where for where, _ in harness.mounts()])
        self.volume.unmount()
        self.volume.must_be_clean()


if __name__ == "__main__":
    harness.main(needs_root=True)
