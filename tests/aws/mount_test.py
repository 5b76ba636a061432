"""A mount whose keys are the daemon's, over its Unix socket: restic's repository on it, and a daemon that restarts."""

import os

import daemon
import harness
import trees


class Mount(daemon.KmsdTest):
    def setUp(self):
        super().setUp()
        self.daemon.admin("AddPrincipal", Account="000000000000", Name="local", UnixIds=[os.geteuid()])
        self.volume = harness.Volume(self.place)
        self.volume.kms = f"unix:{self.daemon.socket}"
        self.volume.init().mount()

    def restic(self, *arguments):
        return self.place.must("restic", "--no-cache", *arguments)

    def test_restic_backs_up_checks_and_restores(self):
        self.place.environment |= {"RESTIC_PASSWORD": "a password", "RESTIC_REPOSITORY": self.volume.path("repository")}
        source = self.place.make("source")
        trees.make_tree(source, self.random, 1500)
        self.restic("init")
        self.restic("backup", source)
        self.volume.remount()
        self.restic("check", "--read-data")
        target = self.place.make("restored")
        self.restic("restore", "latest", "--target", target)
        self.assertEqual("", trees.differences(trees.describe(source), trees.describe(target + source)))
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_a_restarted_daemon_is_found_again(self):
        with open(self.volume.path("before"), "w") as file:
            file.write("text")
        self.daemon.restart()
        with open(self.volume.path("after"), "w") as file:
            file.write("text")
        self.volume.remount()
        for name in ("before", "after"):
            with open(self.volume.path(name)) as file:
                self.assertEqual(file.read(), "text")
        self.volume.unmount()
        self.volume.must_be_clean()


if __name__ == "__main__":
    daemon.main()
