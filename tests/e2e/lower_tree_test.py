"""What lies in the lower directory, and copies of it in other places."""

import os
import stat

import harness
import trees


def lower_files(root):
    for folder, directories, files in os.walk(root):
        for name in directories + files:
            yield os.path.join(folder, name)


class LowerTree(harness.MountedTest):
    def filled_volume(self):
        volume = self.new_volume()
        trees.make_tree(volume.path(), self.random, 300)
        return volume

    def test_no_plain_name_content_target_or_xattr_is_below(self):
        volume = self.new_volume()
        secret = b"this is the secret phrase"
        folder = os.fsencode(volume.path()) + b"/folder-" + secret
        os.mkdir(folder)
        os.symlink(b"target-" + secret, folder + b"/link-" + secret)
        os.mkfifo(folder + b"/fifo-" + secret)
        for name in (b"/file-" + secret, b"/" + secret * 10):
            with open(folder + name, "wb") as file:
                file.write(secret * 2000)
            os.setxattr(folder + name, b"user." + secret, secret)
        volume.unmount()

        for path in lower_files(volume.lower):
            status = os.lstat(path)
            self.assertTrue(stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode), path)
            haystack = [os.fsencode(path)] + [os.fsencode(name) for name in os.listxattr(path)]
            haystack += [os.getxattr(path, name) for name in os.listxattr(path)]
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    haystack.append(file.read())
            for bytes_ in haystack:
                self.assertNotIn(b"secret", bytes_, path)

    def test_equal_files_and_names_look_different_below(self):
        volume = self.new_volume()
        for folder in ("a", "b"):
            os.mkdir(volume.path(folder))
            with open(volume.path(folder, "name"), "wb") as file:
                file.write(b"same" * 5000)
        volume.unmount()
        names, pages = [], []
        for path in lower_files(volume.lower):
            if os.path.isfile(path) and os.path.getsize(path) > 8192 and not path.endswith("/enfold.volume"):
                names.append(os.path.basename(path))
                with open(path, "rb") as file:
                    content = file.read()
                pages += [content[start:start + 4096] for start in range(0, len(content) // 4096 * 4096, 4096)]
        self.assertEqual(2, len(names))
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(len(pages), len(set(pages)))

    def test_a_plain_copy_of_the_lower_tree_opens_elsewhere(self):
        volume = self.filled_volume()
        expected = trees.describe(volume.path())
        volume.unmount()
        for how in (["--sparse=never"], ["--sparse=never", "-a"]):
            elsewhere = harness.Place()
            self.addCleanup(elsewhere.close)
            copy = harness.Volume(elsewhere)
            copy.kms = volume.kms
            self.place.must("cp", "-r", *how, volume.lower, copy.lower)
            if "-a" in how:
                copy.mount("--kms", copy.kms)
                self.assertEqual("", trees.differences(expected, trees.describe(copy.path())))
                copy.unmount()
                copy.must_be_clean()
            else:
                self.assert_contents(expected, copy)

    def assert_contents(self, expected, copy):
        """`cp -r` alone keeps neither times, modes, xattrs nor hard links: kind, length and bytes stay."""
        copy.mount("--kms", copy.kms)
        found = trees.describe(copy.path())
        self.assertEqual(sorted(expected), sorted(found))
        for path, facts in expected.items():
            kind = stat.S_IFMT(int(facts[0], 8))
            self.assertEqual(kind, stat.S_IFMT(int(found[path][0], 8)), path)
            if kind == stat.S_IFREG:
                self.assertEqual(facts[2:4], found[path][2:4], path)
            elif kind == stat.S_IFLNK:
                self.assertEqual(facts[1:], found[path][1:], path)
        copy.unmount()
        copy.must_be_clean()

    def test_a_copy_does_not_open_without_its_keys(self):
        volume = self.filled_volume()
        volume.unmount()
        elsewhere = harness.Place()
        self.addCleanup(elsewhere.close)
        copy = harness.Volume(elsewhere)
        self.place.must("cp", "-r", volume.lower, copy.lower)
        for arguments in ([], ["--kms", f"embedded:{elsewhere.path}/no-such-store"]):
            done = copy.try_mount(*arguments)
            self.assertNotEqual(0, done.returncode)
            self.assertTrue(done.stderr.strip())
            self.assertIsNone(harness.mounted_at(copy.mountpoint))
        copy.mount("--kms", volume.kms)
        copy.remount()


if __name__ == "__main__":
    harness.main()
