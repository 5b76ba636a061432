"""A rekey of a small volume without a mount, killed before and after each call below, or hindered by an error of it.

Pins count as below. By default a random choice of the calls; with ENFOLD_LONG=1 all. Needs root."""

import copy
import errno
import os
import re
import shutil
import signal

import harness
import kill_sweep
import special_trees
from crash_volume import CrashVolume
from rekey_volume import KeyStore, Wraps

KILLS, FAULTS = 60, 40

# A write changes the time of a file and takes its capabilities; until these calls have put them back, who is killed or
# whose call fails leaves the file like that.
PUTS_BACK = ("setxattr", "chmod", "utimensat")
MTIME, CAPABILITY = 3, "security.capability"


class Template:
    """A small volume that is to be re-keyed, to start each run from. All but its keys is below one directory."""

    def __init__(self, place, name, disk, rng):
        self.folder = os.path.join(disk, name)
        os.mkdir(self.folder)
        os.mkdir(os.path.join(self.folder, "config"), 0o700)
        self.store = KeyStore(place, name)
        self.place = copy.copy(place)  # its own pins
        self.place.environment = place.environment | {"XDG_CONFIG_HOME": os.path.join(self.folder, "config")}
        self.old, self.new = self.store.new_key(), self.store.new_key()
        self.volume = CrashVolume(self.place, name, os.path.join(self.folder, "lower"))
        self.place.must(self.place.program, "init", self.volume.lower, "--kms", self.store.url, "--key", self.old)
        self.volume.mount()
        self.fill(self.volume.path(), rng)
        self.volume.unmount()
        self.volume.mount()
        self.tree = special_trees.describe(self.volume.path())
        self.volume.unmount()
        self.wraps = Wraps(self.volume.lower)
        self.saved = os.path.join(disk, f"{name}.saved")
        self.copy(self.folder, self.saved)
        self.count = os.path.join(disk, f"{name}.count")
        self.output = ""

    def fill(self, root, rng):
        os.mkdir(os.path.join(root, "folder"))
        for name, size in (("empty", 0), ("small", 100), ("folder/" + "n" * 255, 9000), ("program", 20_000)):
            with open(os.path.join(root, name), "wb") as file:
                file.write(rng.randbytes(size))
        os.truncate(os.path.join(root, "small"), 50_000)
        os.link(os.path.join(root, "small"), os.path.join(root, "folder", "linked"))
        os.symlink("target", os.path.join(root, "symlink"))
        os.chown(file.name, 1000, 1000)
        os.chmod(file.name, 0o6755)
        os.setxattr(file.name, CAPABILITY, special_trees.capability(rng))
        for above, directories, names in os.walk(root, topdown=False):
            for name in directories + names:
                os.utime(os.path.join(above, name), ns=(10**18, 10**18 + rng.randrange(10**9)), follow_symlinks=False)

    def copy(self, source, to):
        """With times, owners, capabilities and links."""
        self.place.must("cp", "-a", source, to)

    def restored(self):
        shutil.rmtree(self.folder)
        self.copy(self.saved, self.folder)
        os.truncate(self.volume.log, 0)
        self.allowed, self.hindered = {}, 1  # files with the time of a write; how many there may be
        self.store.ask("enable", self.old)

    def rekey(self, *more, at=0, act=""):
        """The exit code."""
        environment = self.place.environment
        if at:
            environment = kill_sweep.hindered(self.place, self.folder, self.count, at, act)
        done = self.place.run(self.place.program, "rekey", self.volume.lower, "--to-key", self.new, "--jobs", "1",
                              *more, env=environment)
        self.output = done.stdout + done.stderr
        return done.returncode

    def counted(self):
        return kill_sweep.counted(self.count)

    def said(self):
        return self.output + self.volume.said()

    def clear(self):
        """After a problem: the next run starts without a mount."""
        self.place.run("umount", "-l", self.volume.mountpoint)
        self.volume.kill()


class RekeySweep(kill_sweep.SweepTest):
    def setUp(self):
        super().setUp()
        disk = self.place.filesystem("tmpfs", 256)
        self.templates = [Template(self.place, f"volume-{number}", disk, self.random)
                          for number in range(kill_sweep.AT_ONCE)]

    def count_calls(self, *more):
        template = self.templates[0]
        template.restored()
        self.assertEqual(0, template.rekey(*more, at=1 << 60), template.output)
        self.verify_done(template)
        return template.counted()

    def every_file_opens(self, template, may_be_touched):
        """And is as it was, but that for each time one may have been left as a write leaves it."""
        template.volume.mount()
        template.volume.wait_until_recovered()
        found = special_trees.describe(template.volume.path())
        template.volume.unmount()
        self.assertEqual(template.tree.keys(), found.keys())
        touched = {path: found[path] for path, facts in template.tree.items() if found[path] != facts}
        for path, facts in touched.items():
            if facts == template.allowed.get(path):
                continue
            self.assertTrue(may_be_touched, f"{path} is {facts}, was {template.tree[path]}")
            self.assertEqual(without_touch(template.tree[path]), without_touch(facts), path)
            template.allowed[path] = facts
        self.assertLessEqual(len({facts[MTIME] for facts in template.allowed.values()}), template.hindered)

    def verify_done(self, template):
        self.assertEqual([], template.wraps.left_in(template.volume.lower))
        self.assertFalse(template.volume.json("status", template.volume.lower)["rekeying"])
        template.store.ask("disable", template.old)
        self.every_file_opens(template, False)
        template.volume.leftovers()

    def is_between_write_and_time(self, template, act, more):
        """From the first write to a file until its time is put back. With new data keys there are syncs and more writes
        in between."""
        special = re.search(r"lower call \d+, (\w+), is special", template.output)
        if not special:
            return False
        name = special[1]
        if name.startswith("pwrite"):
            return act == "kill-after" or bool(more)
        if name == "utimensat":
            return act != "kill-after"
        return name in PUTS_BACK or bool(more) and name in ("fdatasync", "fsync")

    def hinder_at(self, template, at, act, *more):
        template.restored()
        self.hinder(template, at, act, *more)
        first = template.output
        self.assertEqual(0, template.rekey(*more), first + template.output)
        self.verify_done(template)

    def hinder_again_and_again(self, template, points, *more):
        """Each run goes on where the one before was killed."""
        template.restored()
        for template.hindered, (at, act) in enumerate(points, 1):
            self.hinder(template, at, act, *more)
        self.assertEqual(0, template.rekey(*more), template.output)
        self.verify_done(template)

    def hinder(self, template, at, act, *more):
        code = template.rekey(*more, at=at, act=act)
        if str(act).startswith("kill"):
            was_reached = template.counted() >= at
            self.assertEqual(-signal.SIGKILL if was_reached else 0, code, template.output)
        else:
            self.assertGreaterEqual(code, 0, template.output)
        self.every_file_opens(template, self.is_between_write_and_time(template, act, more))

    def sweep_calls(self, acts, most, *more):
        self.calls = self.count_calls(*more)
        self.sweep(((self.hinder_at, at, act, *more) for at in range(1, self.calls + 1) for act in acts), most)

    def test_killed_at_any_call(self):
        self.sweep_calls(("kill-before", "kill-after"), KILLS)

    def test_killed_at_any_call_with_new_data_keys(self):
        self.sweep_calls(("kill-before", "kill-after"), KILLS, "--new-data-keys")

    def test_killed_again_and_again(self):
        for more in ((), ("--new-data-keys",)):
            self.calls = self.count_calls(*more)
            self.sweep([(self.hinder_again_and_again, self.points(), *more) for _ in range(KILLS)], KILLS // 4)

    def points(self):
        return [(self.random.randint(1, self.calls), self.random.choice(("kill-before", "kill-after")))
                for _ in range(self.random.randint(2, 5))]

    def test_an_error_of_any_call(self):
        self.sweep_calls((errno.EIO, errno.ENOSPC, "short"), FAULTS)

    def test_an_error_of_any_call_with_new_data_keys(self):
        self.sweep_calls((errno.EIO, errno.ENOSPC, "short"), FAULTS, "--new-data-keys")


def without_touch(facts):
    """Without the time, and without what a write takes from a program."""
    return [[one for one in fact if one[0] != CAPABILITY] if isinstance(fact, list) else fact
            for index, fact in enumerate(facts) if index != MTIME]


if __name__ == "__main__":
    harness.main(needs_root=True)
