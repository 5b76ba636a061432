"""What could make `enfold rekey` say more than is true, or harm the mount that does the work."""

import json
import os
import resource
import shutil
import time

import golden
import harness
import trees
from rekey_volume import KeyStore, RekeyVolume, Wraps

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "v1")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Attack(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.store = KeyStore(self.place, "keys")
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        self.contents = {}
        for number in range(8):
            self.write(f"file {number}")

    def write(self, name, size=9000):
        self.contents[name] = self.random.randbytes(size)
        write(self.volume.path(name), self.contents[name])

    def assert_all_read(self):
        for name, content in self.contents.items():
            self.assertTrue(read(self.volume.path(name)) == content, name)


class SameKeyInTwoStores(Attack):
    """A dry run, or a refused one, had sent a live mount's calls to the other store of the same key."""

    def copy_of_store(self):
        copy = self.store.folder + ".copy"
        shutil.copytree(self.store.folder, copy)
        return copy

    def test_a_dry_run_leaves_a_mount_with_its_own_store(self):
        copy = self.copy_of_store()
        self.store.ask("rotate", self.volume.key)
        self.write("of newer material")
        self.volume.try_rekey("--dry-run", "--to-kms", "embedded:" + copy, "--to-key", self.volume.key)
        time.sleep(1.2)  # keys are asked for anew
        self.assert_all_read()

    def test_after_a_dry_run_new_files_are_of_the_own_store(self):
        copy = self.copy_of_store()
        self.place.must(self.place.program, "key", "rotate", self.volume.key, "--kms", "embedded:" + copy)
        self.volume.try_rekey("--dry-run", "--to-kms", "embedded:" + copy, "--to-key", self.volume.key)
        self.write("made after it")
        self.volume.remount()
        self.assert_all_read()

    def test_what_one_copy_cannot_unwrap_is_asked_of_the_other(self):
        copy = self.copy_of_store()
        self.store.ask("rotate", self.volume.key)
        self.write("of newer material")
        self.volume.rekey("--to-kms", "embedded:" + copy, "--to-key", self.volume.key)
        self.volume.unmount()
        shutil.rmtree(self.store.folder)
        self.volume.mount()
        self.assert_all_read()

    def test_goes_on_between_two_copies_that_went_their_own_ways(self):
        copy = self.copy_of_store()
        self.store.ask("rotate", self.volume.key)
        self.volume.rekey()
        self.place.must(self.place.program, "key", "rotate", self.volume.key, "--kms", "embedded:" + copy)
        lower = self.volume.lower_of(self.volume.path("file 1"))
        before = read(lower)[:4096]
        self.volume.rekey("--to-kms", "embedded:" + copy, "--to-key", self.volume.key)
        self.volume.unmount()
        with open(lower, "r+b") as file:  # as where it was killed before this one, or a backup brought it back
            file.write(before)
        self.assertTrue(self.volume.rekey()["complete"])
        self.volume.mount()
        self.assert_all_read()


class ForeignDirectories(Attack):
    """A sync tool's copy of a directory kept old envelopes, and nobody said so."""

    def test_a_copied_directory_is_not_passed_over(self):
        os.mkdir(self.volume.path("d"))
        self.write("d/in it")
        folder = os.path.dirname(self.volume.lower_of(self.volume.path("d/in it")))
        self.volume.unmount()
        copy = folder + " (conflicted copy 2026-11-20)"
        shutil.copytree(folder, copy)
        shutil.copy(os.path.join(self.volume.lower, "enfold.volume"), os.path.join(copy, "old.volume"))
        old = Wraps(self.volume.lower)
        done = self.volume.try_rekey("--to-key", self.store.new_key())
        self.assertEqual(3, done.returncode)
        self.assertEqual(2, sum("conflicted" in finding["lower_path"] for finding in done.answer["findings"]))
        self.assertEqual([], done.answer["may_be_disabled"])
        shutil.rmtree(copy)
        self.assertTrue(self.volume.rekey()["complete"])
        self.assertFalse(old.left_in(self.volume.lower))


class ManyJobs(harness.MountedTest):
    """More jobs than the process may have threads ended the mount."""

    user = harness.NOBODY

    def test_a_mount_that_may_not_have_so_many_threads_survives(self):
        store = KeyStore(self.place, "keys")
        volume = RekeyVolume(self.place, store).init()
        run = self.place.run

        def few():
            resource.setrlimit(resource.RLIMIT_NPROC, (40, 40))

        self.place.run = lambda *command, **options: run(*command, **options, preexec_fn=few)
        volume.mount()
        self.place.run = run
        for number in range(30):
            self.place.call(write, volume.path(f"f{number}"), b"x" * 100)
        self.assertTrue(volume.rekey("--to-key", store.new_key(), "--jobs", "1000")["complete"])
        self.assertEqual(b"x" * 100, self.place.call(read, volume.path("f1")))


class FewDescriptors(Attack):
    def test_do_for_many_jobs(self):
        for number in range(1000):
            write(self.volume.path(f"many {number}"), b"x")
        self.volume.unmount()
        command = [self.place.program, "rekey", self.volume.lower, "--to-key", self.store.new_key(), "--jobs", "1000"]
        self.place.must("bash", "-c", 'ulimit -n 256; exec "$@"', "-", *command)


class Golden(harness.MountedTest):
    """Its envelopes name no key material."""

    def test_version_1_is_rekeyed(self):
        golden.unpack(self.place, GOLDEN)
        with open(os.path.join(GOLDEN, golden.MANIFEST)) as file:
            manifest = json.load(file)
        volume = harness.Volume(self.place, golden.NAME)
        old = Wraps(volume.lower)
        volume.mount("--kms", volume.kms)

        def rekey(*arguments):
            return json.loads(self.place.must(self.place.program, "rekey", volume.lower, *arguments, "--json"))

        self.assertFalse(rekey("--status")["complete"])
        done = rekey()
        self.assertTrue(done["complete"])
        key = json.loads(self.place.must(self.place.program, "key", "create", "--kms", volume.kms, "--json"))["arn"]
        self.assertEqual([done["key"]], rekey("--to-key", key, "--new-data-keys")["may_be_disabled"])
        self.assertFalse(old.left_in(volume.lower))
        self.place.must(self.place.program, "key", "disable", done["key"], "--kms", volume.kms)
        volume.unmount()
        volume.mount()
        self.assertEqual("", trees.differences(manifest, golden.manifest(volume.path())))


if __name__ == "__main__":
    harness.main(needs_root=True)
