"""What `enfold rekey` refuses, what only looks, and what it leaves behind by name."""

import os
import re
import shutil
import subprocess
import time
import uuid

import harness
from rekey_volume import PAGE, SLOTS, KeyStore, PassphraseFd, RekeyVolume, Wraps, snapshot


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class WithVolume(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.store = KeyStore(self.place, "keys")
        self.volume = RekeyVolume(self.place, self.store).init().mount()
        self.contents = {}
        for number in range(8):
            self.write(f"file {number}")

    def write(self, name, size=9000):
        self.contents[name] = self.random.randbytes(size)
        self.place.call(write, self.volume.path(name), self.contents[name])

    def lower_of(self, name):
        return self.volume.lower_of(self.volume.path(name))

    def all_read(self, but=()):
        for name in self.contents.keys() - set(but):
            self.assertTrue(self.place.call(read, self.volume.path(name)) == self.contents[name], name)

    def everything(self):
        """Whatever a command could change, but for the key store's own files."""
        return snapshot(self.volume.lower, self.place.environment["XDG_CONFIG_HOME"])

    def both_ways(self):
        """First with a mount that has nothing more to write, then without one."""
        self.volume.remount()
        yield "mounted"
        self.volume.unmount()
        yield "unmounted"
        self.volume.mount()


class OnlyLooks(WithVolume):
    def counts(self, answer):
        """{(key, material): files}, and by what the volume secret is wrapped."""
        files = {(one["key"], one["material"]): one["files"] for one in answer["keys"] if not one["config"]}
        return files, [(one["key"], one["material"]) for one in answer["keys"] if one["config"]]

    def test_status_and_dry_run_change_nothing_and_count_right(self):
        first = self.volume.material_of()
        self.store.ask("rotate", self.volume.key)
        self.write("young")
        second = self.volume.material_of()
        key, other = self.volume.key, self.store.new_key()
        expected = {(key, first): 8, (key, second): 1}, [(key, first)]
        for _ in self.both_ways():
            before = self.everything()
            answer = self.volume.rekey("--status")
            self.assertEqual(expected, self.counts(answer))
            self.assertEqual((9, 8, 0, False, [], key, second), tuple(answer[name] for name in (
                "files", "left", "unverified", "complete", "may_be_disabled", "key", "material")))
            answer = self.volume.rekey("--dry-run", "--to-key", other)
            self.assertEqual(expected, self.counts(answer))
            self.assertEqual((9, 9, False, [], other), tuple(answer[name] for name in (
                "files", "left", "complete", "may_be_disabled", "key")))
            self.volume.rekey("--status", "--new-data-keys")
            self.volume.rekey("--dry-run", "--new-data-keys")
            self.assertEqual(before, self.everything())
        self.assertFalse(self.volume.json("status", self.volume.lower)["rekeying"])

    def test_status_says_which_key_may_be_disabled(self):
        """A file that comes back from a backup is under the former key again."""
        former, backup = self.volume.key, self.place.path + "/backup"
        lower = self.lower_of("file 3")
        shutil.copy2(lower, backup)
        key = self.store.new_key()
        self.volume.rekey("--to-key", key)
        self.volume.use(self.store, key)
        for _ in self.both_ways():
            self.assertEqual([former], self.volume.rekey("--status")["may_be_disabled"])
        shutil.copy2(backup, lower)
        for _ in self.both_ways():
            answer = self.volume.rekey("--status")
            self.assertEqual(([], 1, False), (answer["may_be_disabled"], answer["left"], answer["complete"]))
            files, config = self.counts(answer)
            self.assertEqual(({key: 7, former: 1}, [key]),
                             ({arn: count for (arn, _), count in files.items()}, [arn for arn, _ in config]))
        self.all_read()
        answer = self.volume.rekey()
        self.assertEqual((1, [former]), (answer["rewrapped"], answer["may_be_disabled"]))

    def test_no_key_is_called_unused_while_a_header_is_damaged(self):
        former, key = self.volume.key, self.store.new_key()
        self.volume.rekey("--to-key", key)
        self.volume.use(self.store, key)
        lower = self.lower_of("file 5")
        with open(lower, "r+b") as file:
            file.write(bytes(PAGE))
        for _ in self.both_ways():
            answer = self.volume.rekey("--status", code=3)
            self.assertEqual(([], 1), (answer["may_be_disabled"], answer["unverified"]))
            (finding,) = answer["findings"]
            self.assertEqual(("damage", "/file 5", os.path.basename(lower)),
                             tuple(finding[name] for name in ("severity", "path", "lower_path")))
        os.unlink(lower)
        self.assertEqual([former], self.volume.rekey("--status")["may_be_disabled"])


class Refused(WithVolume):
    def kept(self):
        """What a command leaves that opens a volume for writing and closes it: of its own it counts the mounts."""
        found = self.everything() if self.volume.is_mounted else None
        with open(os.path.join(self.volume.lower, "enfold.volume"), "rb") as config:
            wrapped = config.read(3 * PAGE)
        (pin,) = (read(path) for path in self.pins())
        others = {path: facts for path, facts in self.everything().items()
                  if not path.startswith(self.place.environment["XDG_CONFIG_HOME"])
                  and os.path.basename(path) not in ("enfold.volume", "enfold.lock")}
        return found, wrapped, re.sub(rb"mount_number = \d+", b"", pin), others

    def pins(self):
        folder = os.path.join(self.place.environment["XDG_CONFIG_HOME"], "enfold/volumes")
        return [path for path in (os.path.join(folder, name) for name in os.listdir(folder))
                if os.fsencode(f"path = '{self.volume.lower}'") in read(path)]

    def assert_refused(self, code, *arguments, **options):
        """And nothing was written."""
        before = self.kept()
        done = self.volume.try_rekey(*arguments, **options)
        self.assertEqual((code, ""), (done.returncode, done.stdout), done.stderr)
        self.assertEqual(before, self.kept())
        self.assertFalse(self.volume.json("status", self.volume.lower)["rekeying"])
        return done.stderr

    def test_a_key_that_is_not_there_or_disabled(self):
        disabled = self.store.new_key()
        self.store.ask("disable", disabled)
        for _ in self.both_ways():
            for mode in ([], ["--dry-run"]):
                self.assert_refused(41, "--to-key", str(uuid.UUID(int=self.random.getrandbits(128))), *mode)
                said = self.assert_refused(42, "--to-key", disabled, *mode)
                self.assertIn("nothing was changed", said)
        self.volume.unmount()
        self.store.ask("disable", self.volume.key)
        self.assert_refused(42)
        self.assert_refused(42, "--to-key", self.store.new_key())  # for what there is cannot be opened
        self.store.ask("enable", self.volume.key)

    def test_the_volumes_own_key_disabled_beside_a_mount(self):
        other = self.store.new_key()
        self.volume.remount()
        self.store.ask("disable", self.volume.key)
        self.assert_refused(42)
        self.assert_refused(42, "--to-key", other)
        self.store.ask("enable", self.volume.key)
        self.assertTrue(self.volume.rekey("--to-key", other)["complete"])

    def test_another_store(self):
        other = KeyStore(self.place, "other", "a passphrase")
        key = other.new_key()
        for _ in self.both_ways():
            self.assert_refused(2, "--to-kms", other.url)
            self.assert_refused(30, "--to-kms", f"embedded:{self.place.path}/nothing", "--to-key", key)
            self.assertFalse(os.path.exists(f"{self.place.path}/nothing"))
            self.assert_refused(2, "--to-kms", other.url, "--to-key", key)
            with PassphraseFd("a wrong one") as wrong:
                self.assert_refused(32, "--to-kms", other.url, "--to-key", key, "--to-passphrase-fd", wrong,
                                    pass_fds=(int(wrong),))
            with PassphraseFd("a passphrase") as right:
                self.assert_refused(41, "--to-kms", other.url, "--to-key", self.volume.key, "--to-passphrase-fd", right,
                                    pass_fds=(int(right),))

    def test_a_read_only_mount(self):
        self.volume.unmount()
        self.volume.mount("-o", "ro")
        self.assert_refused(16)
        self.assert_refused(16, "--to-key", self.store.new_key())
        self.volume.rekey("--dry-run")

    def test_options_that_exclude_each_other(self):
        self.assert_refused(2, "--status", "--dry-run")
        self.assert_refused(2, "--jobs", "0")

    def test_a_second_one_at_the_same_time(self):
        """The first one gives a large file a new data key, a larger one each time until it is still at it."""
        for size in (16, 64, 256, 1024):
            self.write("large", size << 20)
            for _ in self.both_ways():
                self.store.ask("rotate", self.volume.key)
                first = self.place.start(self.place.program, "rekey", self.volume.lower, "--new-data-keys",
                                         stdout=subprocess.DEVNULL)
                while not self.is_under_way() and first.poll() is None:
                    time.sleep(0.01)
                second = self.volume.try_rekey()
                both = first.poll() is None
                self.assertEqual(0, first.wait())
                if both:
                    self.assertEqual((15, ""), (second.returncode, second.stdout), second.stderr)
            if both:
                break
        self.assertTrue(both)
        self.all_read()

    def is_under_way(self):
        told = self.volume.json("status", self.volume.lower)
        return told["rekeying"] and (told["mounted"] or told["in_use_by"])


class LeftBehind(WithVolume):
    def setUp(self):
        super().setUp()
        self.old = self.volume.key
        self.wraps = Wraps(self.volume.lower)
        self.lowers = {name: self.lower_of(name) for name in self.contents}

    def rekey_but(self, name, severity, lower):
        """All but this file."""
        before, old = read(lower), self.volume.key
        key = self.store.new_key()
        answer = self.volume.rekey("--to-key", key, code=3)
        self.volume.use(self.store, key)
        (finding,) = answer["findings"]
        self.assertEqual((severity, "/" + name, os.path.relpath(lower, self.volume.lower)),
                         tuple(finding[name] for name in ("severity", "path", "lower_path")))
        self.assertEqual((1, False), (answer["left"], answer["complete"]))
        self.assertNotIn(old, answer["may_be_disabled"])
        # Where a file is left under the former key, the volume's secret is so, too.
        needs_former = {"enfold.volume"} if severity == "foreign" else set()
        self.assertIn(len(answer["keys"]), (2, 3, 4) if needs_former else (2, 3))
        self.assertEqual(before, read(lower))
        self.assertLessEqual(set(self.wraps.left_in(self.volume.lower)), {os.path.basename(lower)} | needs_former)
        return answer

    def damages(self):
        yield "zeros", lambda page: bytes(PAGE) + page[PAGE:]
        yield "cut short", lambda page: page[:self.random.randrange(1, PAGE)]
        for start, end in ((0, 512), (SLOTS[0], SLOTS[0] + 300), (SLOTS[1], SLOTS[1] + 1536), (SLOTS[2], PAGE)):
            yield f"bit in {start}", lambda page, bit=self.random.randrange(start * 8, end * 8): flipped(page, bit)

    def test_a_damaged_file_is_named_and_all_others_are_done(self):
        for damage, function in self.damages():
            for _ in self.both_ways():
                name = self.random.choice(sorted(self.contents))
                lower = self.lowers[name]
                whole = read(lower)
                times = os.stat(lower)
                write(lower, function(whole))
                answer = self.rekey_but(name, "damage", lower)
                self.assertEqual((1, 7, []), tuple(answer[name] for name in (
                    "unverified", "rewrapped", "may_be_disabled")), damage)
                again = self.volume.rekey(code=3)
                self.assertEqual((1, 0), (again["left"], again["rewrapped"]))
                write(lower, whole)
                os.utime(lower, ns=(times.st_atime_ns, times.st_mtime_ns))
                answer = self.volume.rekey()
                self.assertEqual(1, answer["rewrapped"])
                self.assertIn(self.old, answer["may_be_disabled"])
                self.assertEqual([], self.wraps.left_in(self.volume.lower))
        self.volume.remount()
        self.all_read()

    def test_a_conflict_copy_is_named_until_it_is_deleted(self):
        for _ in self.both_ways():
            lower = self.lowers["file 2"]
            conflict = lower + " (conflicted copy)"
            shutil.copy2(lower, conflict)
            old = self.volume.key
            answer = self.rekey_but("", "foreign", conflict)
            self.assertEqual((0, 8), (answer["unverified"], answer["rewrapped"]))
            os.unlink(conflict)
            answer = self.volume.rekey()
            self.assertTrue(answer["complete"])
            self.assertIn(old, answer["may_be_disabled"])
            self.assertEqual([], self.wraps.left_in(self.volume.lower))
        self.all_read()

    def test_foreign_files_with_nothing_of_ours_are_nobodys_business(self):
        write(os.path.join(self.volume.lower, "notes.txt"), b"not ours" * 1000)
        os.mkdir(os.path.join(self.volume.lower, ".stfolder"))
        os.mkfifo(os.path.join(self.volume.lower, "a pipe"))
        os.symlink("/etc/passwd", os.path.join(self.volume.lower, "a link"))
        for _ in self.both_ways():
            self.store.ask("rotate", self.volume.key)
            self.assertTrue(self.volume.rekey()["complete"])


def flipped(content, bit):
    out = bytearray(content)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


class OrdinaryUser(WithVolume):
    """Modes that forbid their owner."""

    user = harness.NOBODY

    def test_files_closed_to_their_owner(self):
        for number, mode in enumerate((0o000, 0o444, 0o200, 0o4711)):
            self.place.call(os.chmod, self.volume.path(f"file {number}"), mode)
        self.must_all_be_done()

    def test_directories_closed_to_their_owner(self):
        for mode in (0o000, 0o100, 0o400, 0o600):
            folder = f"closed {mode:o}"
            self.place.call(os.mkdir, self.volume.path(folder))
            self.place.call(os.mkdir, self.volume.path(folder, "below"))
            self.write(f"{folder}/inside")
            self.write(f"{folder}/below/inside")
            self.place.call(os.chmod, self.volume.path(folder, "inside"), 0o000)
            self.place.call(os.chmod, self.volume.path(folder, "below"), mode)
            self.place.call(os.chmod, self.volume.path(folder), mode)
        self.must_all_be_done()

    def must_all_be_done(self):
        wraps = Wraps(self.volume.lower)
        for _ in self.both_ways():
            key, old = self.store.new_key(), self.volume.key
            before = self.lower_facts()
            answer = self.volume.rekey("--to-key", key)
            self.assertEqual((True, len(self.contents), []),
                             tuple(answer[name] for name in ("complete", "rewrapped", "findings")))
            self.assertIn(old, answer["may_be_disabled"])
            self.assertEqual(before, self.lower_facts())
            self.assertEqual([], wraps.left_in(self.volume.lower))
            self.volume.use(self.store, key)
        for name in self.contents:
            folder, below = os.path.dirname(name), os.path.basename(os.path.dirname(name))
            for path in filter(None, (os.path.dirname(folder), folder if below else "", name)):
                self.place.call(os.chmod, self.volume.path(path), 0o700)
        self.all_read()

    def lower_facts(self):
        """Modes and times of all but what every mount writes."""
        return {path: facts[:5] for path, facts in snapshot(self.volume.lower).items()
                if os.path.basename(path) not in ("enfold.volume", "enfold.lock")}


if __name__ == "__main__":
    harness.main(needs_root=True)
