"""borg with its repository on the mount, and with the mount as what it backs up. Needs root: it restores owners and
devices. ENFOLD_LONG=1 backs up more."""

import os
import time

import harness
import special_trees
import trees

FILES = 20_000 if harness.IS_LONG else 700


def make_source(path, rng, files):
    special_trees.make_special_tree(path, rng, files, sockets=False)  # borg leaves them out


class Borg(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        self.place.environment |= {"BORG_PASSPHRASE": "a password", "BORG_BASE_DIR": self.place.make("borg"),
                                   "LC_ALL": "C.UTF-8", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}

    def borg(self, *arguments, folder=None):
        return self.place.must("borg", *arguments, cwd=folder or self.place.path)

    def assert_extracts(self, archive, expected):
        target = self.place.make(f"extracted-{len(os.listdir(self.place.path))}")
        self.borg("extract", "--sparse", archive, folder=target)
        self.assertEqual("", trees.differences(expected, special_trees.describe(target)))

    def test_a_repository_survives_remounts(self):
        source = self.place.make("source")
        make_source(source, self.random, FILES)
        first = special_trees.describe(source)
        repository = self.volume.path("repository")
        self.borg("init", "--encryption", "repokey", repository)
        self.borg("create", "--compression", "lz4", repository + "::first", ".", folder=source)
        self.volume.remount()

        self.borg("check", "--verify-data", repository)
        self.assert_extracts(repository + "::first", first)

        make_source(self.place.make("source/more"), self.random, FILES // 4)
        self.place.must("find", source, "-name", "0000*", "-type", "f", "-delete")
        second = special_trees.describe(source)
        self.borg("create", repository + "::second", ".", folder=source)
        self.volume.remount()
        self.borg("delete", repository + "::first")
        self.borg("compact", "--threshold", "0", repository)
        below = trees.describe(repository)
        self.volume.remount()

        self.assertEqual("", trees.differences(below, trees.describe(repository)))
        self.borg("check", "--verify-data", repository)
        self.assert_extracts(repository + "::second", second)
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_files_of_the_mount_are_backed_up_and_unchanged_ones_not_read_again(self):
        source = self.volume.path("source")
        os.mkdir(source)
        make_source(source, self.random, FILES)
        time.sleep(0.1)  # borg reads files again whose ctime is that of the newest
        with open(source + "/newest", "wb") as file:
            file.write(b"newest")
        expected = special_trees.describe(source)
        repository = os.path.join(self.place.path, "repository")
        self.borg("init", "--encryption", "none", repository)
        self.borg("create", repository + "::first", ".", folder=source)
        self.volume.remount()

        again = self.place.run("borg", "create", "--list", "--filter", "AMCE", repository + "::second", ".", cwd=source)
        self.assertEqual(0, again.returncode, again.stderr)
        changed = [line for line in again.stderr.splitlines() if not line.endswith("newest")]
        self.assertEqual([], changed)
        self.borg("check", "--verify-data", repository)
        self.assert_extracts(repository + "::second", expected)


if __name__ == "__main__":
    harness.main(needs_root=True)
