"""A mount shown again by another server: SFTP, with sshfs as its client."""

import os
import time

import harness
import trees

SFTP_SERVER = "/usr/lib/openssh/sftp-server"


class Reexport(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        os.mkdir(self.volume.path("shown"))
        # Instead of ssh: the server on this machine, at sshfs's own pipes.
        self.command = os.path.join(self.place.path, "instead-of-ssh")
        with open(self.command, "w") as script:
            script.write(f"#!/bin/sh\nexec {SFTP_SERVER}\n")
        os.chmod(self.command, 0o755)
        self.far = self.place.make("far")

    def show(self):
        self.client = self.place.start("sshfs", "-f", "-o", f"ssh_command={self.command}",
                                       "here:" + self.volume.path("shown"), self.far)
        while harness.mounted_at(self.far) is None:
            if self.client.poll() is not None:
                raise AssertionError(f"sshfs ended with {self.client.returncode}")
            time.sleep(0.05)

    def hide(self):
        self.place.must("fusermount3", "-u", self.far)
        self.assertEqual(0, self.client.wait())

    def test_what_comes_by_sftp_is_there(self):
        source = self.place.make("source")
        trees.make_tree(source, self.random, 400, xattrs=False)
        self.place.must("find", source, "-type", "p", "-delete")  # neither FIFOs
        self.place.must("find", source, "-links", "+1", "-type", "f", "-delete")  # nor links are in the protocol
        self.place.must("find", source, "-lname", "..*", "-delete")  # sshfs refuses to read what leads out
        expected = self.describe(source)
        self.show()
        self.place.must("cp", "-r", "--no-dereference", source, self.far + "/tree")
        self.assertEqual("", trees.differences(expected, self.describe(self.far + "/tree")))
        self.hide()
        self.volume.remount()
        self.assertEqual("", trees.differences(expected, self.describe(self.volume.path("shown/tree"))))
        self.show()
        self.place.must("cp", "-r", "--no-dereference", self.far + "/tree", self.place.path + "/back")
        self.assertEqual("", trees.differences(expected, self.describe(self.place.path + "/back")))
        self.place.must("rm", "-r", self.far + "/tree")
        self.hide()
        self.assertEqual([], os.listdir(self.volume.path("shown")))
        self.volume.unmount()
        self.volume.must_be_clean()

    def describe(self, root):
        """Contents and symlinks: SFTP's times are whole seconds, and cp -r keeps no modes."""
        return {path: facts[1:] for path, facts in trees.describe(root, timed=(), namespaces=()).items()}


if __name__ == "__main__":
    harness.main()
