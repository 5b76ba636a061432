"""An ordinary user's mount, and root's mount used by others. Needs root, to become somebody else."""

import errno
import os
import shutil
import stat
import subprocess

import harness
import trees

OTHER = 12_345


def write(path, content, mode=0o644):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    os.write(file, content)
    os.close(file)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def _append(path):
    with open(path, "ab") as file:
        file.write(b"x")


def _allocate(path):
    with open(path, "r+b") as file:
        os.posix_fallocate(file.fileno(), os.path.getsize(path), 1)


def _copy_behind(path):
    with open(path, "r+b") as file:
        os.copy_file_range(file.fileno(), file.fileno(), 1, 0, os.path.getsize(path))


def _cut(path):
    os.truncate(path, os.path.getsize(path) + 1)


def _runs_as_around(change, path):
    """As whom a program runs before and after a change. Nothing looks at its status in between."""
    def runs_as():
        return int(subprocess.run([path, "-u"], stdout=subprocess.PIPE, check=True).stdout)
    before = runs_as()
    change(path)
    return before, runs_as()


def fill(root, seed):
    trees.make_tree(root, harness.random.Random(seed), 200)
    return trees.describe(root, owners=True)


def describe(root):
    return trees.describe(root, owners=True)


class OrdinaryUser(harness.MountedTest):
    user = harness.NOBODY

    def test_mounts_fills_unmounts_and_mounts_again(self):
        volume = self.new_volume()
        expected = self.place.call(fill, volume.path(), self.random.random())
        volume.remount()
        self.assertEqual("", trees.differences(expected, self.place.call(describe, volume.path())))
        self.assert_raises_errno(errno.EACCES, os.listdir, volume.path())  # even to root the mount is closed
        self.assertEqual({self.user}, {os.lstat(os.path.join(folder, name)).st_uid
                                       for folder, _, files in os.walk(volume.lower) for name in files})
        volume.unmount()
        volume.must_be_clean()

    def test_modes_that_forbid_their_owner(self):
        volume = self.new_volume()
        path = volume.path("file")
        self.place.call(write, path, b"written while it was made read-only", 0o444)
        self.assert_raises_errno(errno.EACCES, self.place.call, os.open, path, os.O_WRONLY)
        self.place.call(os.chmod, path, 0o000)
        volume.remount()
        self.assert_raises_errno(errno.EACCES, self.place.call, read, path)
        self.assertEqual(0o000, stat.S_IMODE(self.place.call(_mode, path)))
        self.place.call(os.rename, path, volume.path("renamed"))
        self.place.call(os.chmod, volume.path("renamed"), 0o400)
        self.assertEqual(b"written while it was made read-only", self.place.call(read, volume.path("renamed")))
        self.place.call(os.chmod, volume.path("renamed"), 0o200)
        self.place.call(os.truncate, volume.path("renamed"), 7)
        self.place.call(os.chmod, volume.path("renamed"), 0o400)
        volume.remount()
        self.assertEqual(b"written", self.place.call(read, volume.path("renamed")))

    def test_a_closed_directory_stays_closed(self):
        volume = self.new_volume()
        folder = volume.path("folder")
        self.place.call(os.mkdir, folder)
        self.place.call(os.chmod, folder, 0o555)
        self.assert_raises_errno(errno.EACCES, self.place.call, write, folder + "/file", b"")
        self.place.call(os.chmod, folder, 0o000)
        volume.remount()
        self.assert_raises_errno(errno.EACCES, self.place.call, os.listdir, folder)
        self.place.call(os.rmdir, folder)


class RootForOthers(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume("-o", "allow_other")
        os.chmod(self.volume.path(), 0o1777)

    def owner(self, name):
        status = os.lstat(self.volume.path(name))
        return status.st_uid, status.st_gid

    def call(self, function, *arguments):
        return self.place.call(function, *arguments, user=OTHER)

    def test_new_files_belong_to_who_makes_them(self):
        self.call(write, self.volume.path("file"), b"mine")
        self.call(os.mkdir, self.volume.path("folder"))
        self.call(os.symlink, "target", self.volume.path("link"))
        self.call(os.mkfifo, self.volume.path("fifo"))
        names = ["file", "folder", "link", "fifo"]
        self.assertEqual([(OTHER, OTHER)] * 4, [self.owner(name) for name in names])
        self.volume.remount()
        self.assertEqual([(OTHER, OTHER)] * 4, [self.owner(name) for name in names])
        self.assertEqual(b"mine", self.call(read, self.volume.path("file")))

    def test_modes_are_enforced(self):
        write(self.volume.path("roots"), b"secret", 0o600)
        self.call(write, self.volume.path("theirs"), b"x")
        self.assert_raises_errno(errno.EACCES, self.call, read, self.volume.path("roots"))
        self.assert_raises_errno(errno.EPERM, self.call, os.unlink, self.volume.path("roots"))  # the sticky bit
        self.assert_raises_errno(errno.EPERM, self.call, os.chown, self.volume.path("theirs"), 0, 0)
        self.assert_raises_errno(errno.EPERM, self.call, os.chmod, self.volume.path("roots"), 0o666)
        self.call(os.unlink, self.volume.path("theirs"))

    def test_a_setgid_directory_gives_its_group(self):
        folder = self.volume.path("team")
        os.mkdir(folder)
        os.chown(folder, -1, 777)
        os.chmod(folder, 0o2777)
        self.call(write, folder + "/file", b"x")
        self.call(os.mkdir, folder + "/sub")
        self.volume.remount()
        self.assertEqual((OTHER, 777), self.owner("team/file"))
        self.assertEqual((OTHER, 777), self.owner("team/sub"))
        self.assertTrue(os.stat(folder + "/sub").st_mode & stat.S_ISGID)

    def test_a_program_that_others_changed_runs_without_its_owners_rights(self):
        """The kernel kept the mode that it knew: a set-user-id program ran as its owner after others wrote to it."""
        self.volume.unmount()
        self.volume.mount("-o", "allow_other,suid")
        path = self.volume.path("program")
        for change in (_append, _allocate, _copy_behind, _cut):
            with self.subTest(change.__name__):
                shutil.copy(shutil.which("id"), path)
                os.chown(path, harness.NOBODY, harness.NOBODY)
                os.chmod(path, 0o4777)
                self.assertEqual((harness.NOBODY, OTHER), self.call(_runs_as_around, change, path))
                os.unlink(path)

    def test_a_program_keeps_the_capabilities_that_it_got_before_it_was_closed(self):
        """As cp --preserve does it. The header that is written at the close took them."""
        capabilities = bytes.fromhex("0100000200200000" + "00" * 12)  # cap_net_raw
        source, copy = self.volume.path("program"), self.volume.path("copy")
        with open(source, "wb", buffering=0) as file:
            file.write(b"content")
            os.setxattr(file.fileno(), "security.capability", capabilities)
        self.place.must("cp", "--preserve=all", source, copy)
        for path in (source, copy):
            self.assertEqual(capabilities, os.getxattr(path, "security.capability"))
        with open(copy, "ab") as file:
            file.write(b"another program")
        self.assert_raises_errno(errno.ENODATA, os.getxattr, copy, "security.capability")

    def test_owners_can_be_changed(self):
        write(self.volume.path("file"), b"x")
        os.symlink("target", self.volume.path("link"))
        os.chown(self.volume.path("file"), 1, 2)
        os.chown(self.volume.path("file"), -1, 3)
        os.chown(self.volume.path("link"), 4, 5, follow_symlinks=False)
        self.volume.remount()
        self.assertEqual([(1, 3), (4, 5)], [self.owner("file"), self.owner("link")])

    def test_devices_keep_their_numbers_and_cannot_be_opened(self):
        os.mknod(self.volume.path("null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(self.volume.path("disk"), stat.S_IFBLK | 0o600, os.makedev(259, 70_000))
        self.volume.remount()
        self.assertEqual(os.makedev(1, 3), os.lstat(self.volume.path("null")).st_rdev)
        self.assertEqual(os.makedev(259, 70_000), os.lstat(self.volume.path("disk")).st_rdev)
        self.assertTrue(stat.S_ISBLK(os.lstat(self.volume.path("disk")).st_mode))
        self.assert_raises_errno(errno.EACCES, read, self.volume.path("null"))  # mounts are nodev
        self.volume.unmount()
        self.volume.must_be_clean()


def _mode(path):
    return os.lstat(path).st_mode


if __name__ == "__main__":
    harness.main(needs_root=True)
