"""restic with its repository on the mount."""

import os

import harness
import trees


class Restic(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        self.place.environment |= {"RESTIC_PASSWORD": "a password", "RESTIC_REPOSITORY": self.volume.path("repository")}

    def restic(self, *arguments):
        return self.place.must("restic", "--no-cache", *arguments)

    def assert_restores(self, snapshot, source, expected):
        target = self.place.make(f"restored-{len(os.listdir(self.place.path))}")
        self.restic("restore", snapshot, "--target", target)
        self.assertEqual("", trees.differences(expected, trees.describe(target + source)))

    def test_backs_up_checks_restores_and_prunes_over_remounts(self):
        source = self.place.make("source")
        trees.make_tree(source, self.random, 2500)
        self.restic("init")
        self.restic("backup", source)
        first = trees.describe(source)
        self.volume.remount()

        self.restic("check", "--read-data")
        self.assert_restores("latest", source, first)

        more = self.place.make("source/more")
        trees.make_tree(more, self.random, 200)
        self.restic("backup", source)
        second = trees.describe(source)
        self.volume.remount()
        self.restic("forget", "--keep-last", "1", "--prune")
        repository = trees.describe(self.volume.path("repository"))
        self.volume.remount()

        self.assertEqual("", trees.differences(repository, trees.describe(self.volume.path("repository"))))
        self.restic("check", "--read-data")
        self.assert_restores("latest", source, second)
        self.volume.unmount()
        self.volume.must_be_clean()


if __name__ == "__main__":
    harness.main()
