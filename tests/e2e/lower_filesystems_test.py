"""The same round trip over tmpfs, ext4 and XFS. Needs root, to make them."""

import os
import subprocess
import time

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


class ForeignOwner(harness.MountedTest):
    """A lower filesystem that gives new files to somebody else, as NFS with all_squash does. Here: SFTP to root's."""
    user = harness.NOBODY

    def test_keeps_what_others_own_by_name(self):
        """Making a file failed with EPERM, and left an empty one: O_NOATIME is for owners."""
        server, far = os.path.join(self.place.path, "instead-of-ssh"), self.place.make("far")
        with open(server, "w") as script:
            script.write("#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n")
        os.chmod(server, 0o755)
        os.chmod(self.place.make("back"), 0o777)
        client = subprocess.Popen(["sshfs", "-f", "-o", f"ssh_command={server},allow_other,umask=0",
                                   "here:" + os.path.join(self.place.path, "back"), far])
        self.place.adopt(client.pid)
        while harness.mounted_at(far) is None:
            self.assertIsNone(client.poll())
            time.sleep(0.05)
        volume = self.new_volume(lower=os.path.join(far, "lower"))
        long = f"echo long >{'n' * 255}"
        for script in ("echo one >file", "echo two >second", "ln -s file link", "mkdir -p a/b", long):
            self.place.must("sh", "-c", f"cd {volume.path()} && {script}")
        self.assertEqual({0}, {os.lstat(os.path.join(volume.lower, name)).st_uid for name in os.listdir(volume.lower)})
        volume.remount()
        self.assertEqual("one\none\ntwo\nlong\n", self.place.must(
            "sh", "-c", f"cd {volume.path()} && cat link file second n* && rm -r *"))
        volume.unmount()
        volume.must_be_clean()
        subprocess.run(["umount", far], check=True)
        self.assertEqual(0, client.wait())


class HolesOnTmpfs(holes_test.Holes):
    """Which can punch, and not zero."""
    kind = "tmpfs"


class HolesOnExt4(holes_test.Holes):
    kind = "ext4"


class HolesOnXfs(holes_test.Holes):
    kind = "xfs"


if __name__ == "__main__":
    harness.main(needs_root=True)
