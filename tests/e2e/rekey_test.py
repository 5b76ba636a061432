"""`enfold rekey` on real volumes, mounted and not: newer material, another key, another store; new data keys.

Needs root, for files of every kind and owner."""

import os
import stat
import time

import harness
import special_trees
import trees
from rekey_volume import KeyStore, PassphraseFd, RekeyVolume, Wraps, key_id_of, mtimes

FILES = 150
CACHE_S = 1.2  # a little longer than the mounts keep a key


def make_everything(root, rng):
    special_trees.make_special_tree(root, rng, FILES)
    for name, size in (("empty", 0), ("n" * 255, 5000), ("one byte", 1), ("large", 3_000_000)):
        with open(os.path.join(root, name), "wb") as file:
            file.write(rng.randbytes(size))
    with open(os.path.join(root, "sparse"), "wb") as file:
        for offset in (1 << 20, 16 << 20):
            file.seek(offset)
            file.write(b"data")
    folder = os.path.join(root, "d" * 200)
    os.mkdir(folder)
    os.link(os.path.join(root, "n" * 255), os.path.join(folder, "m" * 255))
    with open(os.path.join(folder, "program"), "wb") as file:
        file.write(b"#!/bin/sh\n")
    os.chmod(file.name, 0o6755)
    os.utime(file.name, ns=(10**18, 10**18 + 7))


class WholeVolume(harness.MountedTest):
    """A volume with everything in it, and what was there before."""

    def prepare(self, passphrase=None):
        self.store = KeyStore(self.place, "first", passphrase)
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        make_everything(self.volume.path(), self.random)
        self.volume.remount()
        self.lose_some()
        self.key, self.material = self.volume.key, self.volume.material_of()
        self.tree = special_trees.describe(self.volume.path())
        self.times = mtimes(self.volume.lower)
        self.wraps = Wraps(self.volume.lower)
        self.assertLess(FILES // 2, len(self.wraps.found))
        self.assertEqual({self.material}, self.wraps.materials())
        self.assertEqual(sorted(self.wraps.left_in(self.volume.lower)),
                         sorted(set(sum(self.wraps.found.values(), []))))

    def lose_some(self):
        """A directory and a file, as recovery sets them aside, whole."""
        lost = os.path.join(self.volume.lower, "enfold.lost")
        os.mkdir(lost, 0o700)
        os.mkdir(self.volume.path("to be lost"))
        for name in ("to be lost/inside", "to be lost/inside, too", "lost by itself"):
            with open(self.volume.path(name), "wb") as file:
                file.write(b"found again")
        for name in ("to be lost", "lost by itself"):
            number = os.lstat(self.volume.path(name)).st_ino
            for lower in os.listdir(self.volume.lower):
                path = os.path.join(self.volume.lower, lower)
                if os.lstat(path).st_ino == number:
                    os.rename(path, os.path.join(lost, lower))
        self.volume.remount()

    def is_all_there(self):
        self.assertEqual("", trees.differences(self.tree, special_trees.describe(self.volume.path())))

    def must_be_rekeyed(self, answer, store, key):
        """As it says, and as it is below. The volume is left mounted, without the former key."""
        self.assertTrue(answer["complete"], answer)
        self.assertEqual((store.url, key, store.ask("describe", key)["material"], "Enabled", 0, 0, []),
                         tuple(answer[name] for name in
                               ("kms", "key", "material", "key_state", "left", "unverified", "findings")))
        self.assertEqual([self.key] if key != self.key else [], answer["may_be_disabled"])
        self.assertEqual([], self.wraps.left_in(self.volume.lower))
        now = Wraps(self.volume.lower)
        self.assertEqual(({answer["material"]}, {key_id_of(key)}), (now.materials(), now.keys()))
        self.assertEqual(len(self.wraps.found), len(now.found))
        self.assertEqual(self.times, mtimes(self.volume.lower))
        if key != self.key:
            self.store.ask("disable", self.key)
        self.volume.use(store, key)
        if self.volume.is_mounted:
            time.sleep(CACHE_S)
            self.is_all_there()
            self.volume.unmount()
        self.volume.mount()
        self.is_all_there()
        with open(self.volume.path("new"), "wb") as file:
            file.write(b"made afterwards")
        self.assertEqual({answer["material"]}, Wraps(self.volume.lower).materials())
        os.unlink(file.name)
        self.volume.unmount()
        for finding in self.volume.check_findings():
            self.assertIn(finding["severity"], ("leftover",), finding)


class SameKeyNewerMaterial(WholeVolume):
    def run_it(self, mounted):
        self.prepare()
        if not mounted:
            self.volume.unmount()
        self.store.ask("rotate", self.key)
        answer = self.volume.rekey()
        self.assertEqual(len(self.wraps.found) - 1, answer["rewrapped"])  # one is of the volume itself
        self.must_be_rekeyed(answer, self.store, self.key)

    def test_mounted(self):
        self.run_it(True)

    def test_unmounted(self):
        self.run_it(False)


class AnotherKey(WholeVolume):
    def run_it(self, mounted):
        self.prepare()
        if not mounted:
            self.volume.unmount()
        key = self.store.new_key()
        answer = self.volume.rekey("--to-key", key.rpartition("/")[2], "--jobs", "3")
        self.must_be_rekeyed(answer, self.store, key)
        self.assertEqual(0, self.volume.rekey()["rewrapped"])

    def test_mounted(self):
        self.run_it(True)

    def test_unmounted(self):
        self.run_it(False)


class AnotherStore(WholeVolume):
    def run_it(self, mounted):
        self.prepare()
        other = KeyStore(self.place, "second")
        key = other.new_key()
        if not mounted:
            self.volume.unmount()
        answer = self.volume.rekey("--to-kms", other.url, "--to-key", key)
        self.must_be_rekeyed(answer, other, key)
        os.rename(self.store.folder, self.store.folder + ".gone")
        self.volume.mount()
        self.is_all_there()

    def test_mounted(self):
        self.run_it(True)

    def test_unmounted(self):
        self.run_it(False)


class StoresOfTwoPassphrases(WholeVolume):
    def run_it(self, mounted):
        self.prepare("the first one")
        other = KeyStore(self.place, "second", "another one")
        key = other.new_key()
        if not mounted:
            self.volume.unmount()
        with PassphraseFd("the first one") as one, PassphraseFd("another one") as another:
            answer = self.volume.rekey("--to-kms", other.url, "--to-key", key, "--passphrase-fd", one,
                                       "--to-passphrase-fd", another, pass_fds=(int(one), int(another)))
        self.must_be_rekeyed(answer, other, key)

    def test_mounted(self):
        self.run_it(True)

    def test_unmounted(self):
        self.run_it(False)


class ACopyOfTheStore(WholeVolume):
    def test_it_is_where_the_same_key_lives_now(self):
        self.prepare()
        file, sealed = os.path.join(self.place.path, "export"), os.path.join(self.place.path, "sealed")
        with open(sealed, "w") as passphrase:
            passphrase.write("for the journey\n")
        self.store.ask("export-store", file, "--export-passphrase-file", sealed)
        url = f"embedded:{self.place.path}/copied"
        self.place.must(self.place.program, "key", "import-store", file, "--kms", url,
                        "--export-passphrase-file", sealed)
        os.rename(self.store.folder, self.store.folder + ".gone")
        self.store.url = url
        self.store.ask("rotate", self.key)
        answer = self.volume.rekey("--to-kms", url, "--to-key", self.key)
        self.must_be_rekeyed(answer, self.store, self.key)


if __name__ == "__main__":
    harness.main(needs_root=True)
