"""git: a repository cloned onto the mount, worked in there, and cloned back."""

import harness
import trees


class Git(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.place.environment |= {
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
        }

    def git(self, folder, *arguments):
        return self.place.must("git", "-C", folder, *arguments)

    def commit(self, folder, number):
        trees.make_tree(self.make_folder(folder, number), self.random, 60, xattrs=False)
        self.place.must("find", folder, "-type", "p", "-delete")  # git stores no FIFOs
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-q", "-m", f"number {number}")

    def make_folder(self, folder, number):
        path = f"{folder}/{number}"
        self.place.must("mkdir", path)
        return path

    def test_a_clone_is_sound_after_remounts_and_work_in_it(self):
        volume = self.new_volume()
        origin = self.place.make("origin")
        self.git(origin, "init", "-q")
        for number in range(5):
            self.commit(origin, number)

        clone = volume.path("clone")
        self.git(self.place.path, "clone", "-q", "--no-local", origin, clone)
        volume.remount()
        self.git(clone, "fsck", "--full", "--strict")
        self.assertEqual("", self.git(clone, "status", "--porcelain"))
        self.assertEqual(self.git(origin, "rev-parse", "HEAD"), self.git(clone, "rev-parse", "HEAD"))

        self.commit(clone, "more")
        self.git(clone, "repack", "-q", "-a", "-d")
        self.git(clone, "gc", "-q", "--prune=now")
        volume.remount()
        self.git(clone, "fsck", "--full", "--strict")
        self.assertEqual("", self.git(clone, "status", "--porcelain"))

        back = self.place.path + "/back"
        self.git(self.place.path, "clone", "-q", "--no-local", clone, back)
        listing = ["ls-tree", "-r", "HEAD"]
        self.assertEqual(self.git(clone, *listing), self.git(back, *listing))


if __name__ == "__main__":
    harness.main()
