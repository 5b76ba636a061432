"""Names, directories, renames, links and special files as POSIX says."""

import ctypes
import errno
import os
import shutil
import socket
import stat

import harness
import trees

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2


def rename2(old, new, flags):
    names = [os.fsencode(name) for name in (old, new)]
    harness.check_libc(harness.libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(flags)), "rename")


class Names(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        self.root = os.fsencode(self.volume.path())

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write(self, *names):
        """A file whose content is its name."""
        with open(self.path(*names), "wb") as file:
            file.write(names[-1])
        return self.path(*names)

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def lower_entries(self):
        return sum(len(folders) + len(files) for _, folders, files in os.walk(self.volume.lower))

    def test_names_of_every_length_and_every_byte(self):
        before = self.lower_entries()
        names = {self.random.choice([b"a", b"z", b"\xe9"]) * length for length in range(1, 256)}
        names |= {"\u00e9\u4e16\U0001f600".encode() * 28, b"..a", b"...", b" ", b"enfold.volume", b"enfold.dir", b"enfold.lock"}
        names |= {b"with" + bytes([byte]) for byte in range(1, 256) if byte != ord("/")}
        for name in names:
            self.write(name)
        self.volume.remount()
        self.assertEqual(names, set(os.listdir(self.root)))
        for name in names:
            self.assertEqual(name, self.read(name))
        self.assert_raises_errno(errno.ENAMETOOLONG, open, self.path(b"n" * 256), "wb")
        self.assert_raises_errno(errno.ENAMETOOLONG, os.stat, self.path(b"n" * 256))
        self.volume.unmount()
        self.volume.must_be_clean()
        self.volume.mount()
        for name in names:
            os.unlink(self.path(name))
        self.assertEqual(before, self.lower_entries(), "removed files left something below")

    def test_long_names_work_for_directories_links_and_renames(self):
        before = self.lower_entries()
        lengths = [1, 174, 175, 176, 177, 190, 191, 192, 254, 255]
        for length in lengths:
            folder = b"d" * length
            os.mkdir(self.path(folder))
            self.write(folder, b"f" * length)
            os.symlink(b"f" * length, self.path(folder, b"s" * length))
            os.link(self.path(folder, b"f" * length), self.path(folder, b"l" * length))
            for other in lengths:
                source, target = self.write(b"r" * length), self.path(folder, b"t" * other)
                os.rename(source, target)
                os.rename(target, self.path(b"u" * other))
        self.volume.remount()
        for length in lengths:
            folder = b"d" * length
            self.assertEqual({letter * length for letter in (b"f", b"s", b"l")}, set(os.listdir(self.path(folder))))
            self.assertEqual(b"f" * length, self.read(folder, b"s" * length))
            self.assertEqual(b"r" * 255, self.read(b"u" * length))
        self.volume.unmount()
        self.volume.must_be_clean()
        self.volume.mount()
        for name in os.listdir(self.root):
            shutil.rmtree(self.path(name)) if name.startswith(b"d") else os.unlink(self.path(name))
        self.assertEqual(before, self.lower_entries(), "removed files left something below")

    def test_a_directory_of_ten_thousand_entries(self):
        os.mkdir(self.path(b"many"))
        names = {b"%d-%d" % (number, self.random.randint(0, 999)) for number in range(10_000)}
        for number, name in enumerate(names):
            if number % 20 == 0:
                os.mkdir(self.path(b"many", name))
            else:
                os.close(os.open(self.path(b"many", name), os.O_CREAT | os.O_EXCL))
        self.volume.remount()
        with os.scandir(self.path(b"many")) as listing:
            kinds = {entry.name: entry.is_dir() for entry in listing}
        self.assertEqual(names, set(kinds))
        self.assertEqual(500, sum(kinds.values()))
        shutil.rmtree(self.path(b"many"))
        self.assertEqual([], os.listdir(self.root))

    def test_a_listing_in_progress_survives_removals_and_additions(self):
        os.mkdir(self.path(b"busy"))
        names = {b"%05d" % number for number in range(3000)}
        for name in names:
            self.write(b"busy", name)
        seen = []
        with os.scandir(self.path(b"busy")) as listing:
            for number, entry in enumerate(listing):
                seen.append(entry.name)
                if number % 3 == 0:
                    os.unlink(self.path(b"busy", entry.name))
                    self.write(b"busy", b"new-%d" % number)
        old = [name for name in seen if not name.startswith(b"new")]
        self.assertEqual(names, set(old))
        self.assertEqual(len(names), len(old), "a name was listed twice")

    def test_symlink_targets_of_every_length(self):
        targets = {}
        for length in [1, 15, 16, 17, 255, 1000, 4031, 4032, 4063, 4064, 4065, 4094, 4095]:
            targets[b"%d" % length] = bytes(self.random.choice(range(1, 256)) for _ in range(length))
        for name, target in targets.items():
            os.symlink(target, self.path(name))
        self.volume.remount()
        for name, target in targets.items():
            self.assertEqual(target, os.readlink(self.path(name)))
            self.assertEqual(len(target), os.lstat(self.path(name)).st_size)
            self.assertTrue(stat.S_ISLNK(os.lstat(self.path(name)).st_mode))
        self.assert_raises_errno(errno.ENAMETOOLONG, os.symlink, b"t" * 4096, self.path(b"too long"))

    def test_renames_over_files_and_directories(self):
        self.write(b"a"), self.write(b"b"), os.mkdir(self.path(b"empty")), os.mkdir(self.path(b"full"))
        self.write(b"full", b"inside")
        os.mkdir(self.path(b"moved")), self.write(b"moved", b"content")
        self.assert_raises_errno(errno.ENOTEMPTY, os.rename, self.path(b"empty"), self.path(b"full"))
        self.assert_raises_errno(errno.EISDIR, os.rename, self.path(b"a"), self.path(b"empty"))
        self.assert_raises_errno(errno.ENOTDIR, os.rename, self.path(b"empty"), self.path(b"a"))
        self.assert_raises_errno(errno.EINVAL, os.rename, self.path(b"full"), self.path(b"full", b"below"))
        self.assert_raises_errno(errno.ENOTEMPTY, os.rmdir, self.path(b"full"))
        self.assert_raises_errno(errno.ENOENT, os.rename, self.path(b"none"), self.path(b"a"))
        os.rename(self.path(b"a"), self.path(b"b"))
        os.rename(self.path(b"moved"), self.path(b"empty"))
        self.volume.remount()
        self.assertEqual({b"b", b"empty", b"full"}, set(os.listdir(self.root)))
        self.assertEqual([b"a", b"content", b"inside"],
                         [self.read(b"b"), self.read(b"empty", b"content"), self.read(b"full", b"inside")])

    def test_renames_that_do_not_replace_and_that_exchange(self):
        self.write(b"a"), self.write(b"b"), os.mkdir(self.path(b"folder")), self.write(b"folder", b"inside")
        long = b"l" * 255
        self.write(long)
        self.assert_raises_errno(errno.EEXIST, rename2, self.path(b"a"), self.path(b"b"), _NOREPLACE)
        rename2(self.path(b"a"), self.path(b"free"), _NOREPLACE)
        rename2(self.path(b"b"), self.path(b"folder"), _EXCHANGE)
        rename2(self.path(b"free"), self.path(long), _EXCHANGE)
        self.assert_raises_errno(errno.ENOENT, rename2, self.path(b"free"), self.path(b"none"), _EXCHANGE)
        self.volume.remount()
        self.assertEqual({b"b", b"folder", b"free", long}, set(os.listdir(self.root)))
        self.assertEqual([b"b", b"inside", long, b"a"],
                         [self.read(b"folder"), self.read(b"b", b"inside"), self.read(b"free"), self.read(long)])
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_a_directory_that_moves_takes_its_open_files_along(self):
        os.makedirs(self.path(b"from", b"deep", b"er")), os.mkdir(self.path(b"to"))
        path = self.write(b"from", b"deep", b"er", b"file")
        with open(path, "r+b", buffering=0) as file:
            os.rename(self.path(b"from", b"deep"), self.path(b"to", b"moved"))
            file.write(b"written after the move")
        self.write(b"to", b"moved", b"er", b"beside")
        self.volume.remount()
        self.assertEqual(b"written after the move", self.read(b"to", b"moved", b"er", b"file"))
        self.assertEqual(b"beside", self.read(b"to", b"moved", b"er", b"beside"))
        self.assertEqual([], os.listdir(self.path(b"from")))

    def test_link_counts(self):
        self.write(b"file"), os.mkdir(self.path(b"folder")), os.mkdir(self.path(b"folder", b"sub"))
        os.link(self.path(b"file"), self.path(b"folder", b"second"))
        os.link(self.path(b"folder", b"second"), self.path(b"third"))
        os.unlink(self.path(b"file"))
        with open(self.path(b"third"), "ab") as file:
            file.write(b" and more")
        self.assert_raises_errno(errno.EEXIST, os.link, self.path(b"third"), self.path(b"folder"))
        self.assert_raises_errno(errno.EPERM, os.link, self.path(b"folder"), self.path(b"hard"))
        self.volume.remount()
        first, second = os.stat(self.path(b"third")), os.stat(self.path(b"folder", b"second"))
        self.assertEqual((2, 2, first.st_ino), (first.st_nlink, second.st_nlink, second.st_ino))
        self.assertEqual(b"file and more", self.read(b"folder", b"second"))
        self.assertEqual([3, 2], [os.stat(self.path(*names)).st_nlink for names in ([b"folder"], [b"folder", b"sub"])])

    def test_fifos_and_sockets(self):
        os.mkfifo(self.path(b"fifo"), 0o620)
        os.chmod(self.path(b"fifo"), 0o620)
        os.mknod(self.path(b"socket"), stat.S_IFSOCK | 0o600)
        child = os.fork()
        if child == 0:
            with open(self.path(b"fifo"), "wb") as pipe:
                pipe.write(b"through a pipe")
            os._exit(0)
        self.assertEqual(b"through a pipe", self.read(b"fifo"))
        os.waitpid(child, 0)
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(self.root)  # a socket's path is short
            try:
                listener.bind("bound")
                listener.listen()
                with socket.socket(socket.AF_UNIX) as caller:
                    caller.connect("bound")
            finally:
                os.chdir("/")
        expected = trees.describe(self.root)
        self.volume.remount()
        self.assertEqual("", trees.differences(expected, trees.describe(self.root)))
        self.assertEqual(stat.S_IFIFO | 0o620, os.lstat(self.path(b"fifo")).st_mode)
        self.assertEqual({b"fifo": stat.S_IFIFO, b"socket": stat.S_IFSOCK, b"bound": stat.S_IFSOCK},
                         {name: stat.S_IFMT(os.lstat(self.path(name)).st_mode) for name in os.listdir(self.root)})


if __name__ == "__main__":
    harness.main()
