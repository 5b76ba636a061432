"""The mount's process killed, or hindered, at each call below that changes something, in a fixed history.

A preloaded library (lower_calls.cc) does it. By default each kill and a random choice of the rest; with
ENFOLD_LONG=1 all.
"""

import copy
import errno
import os
import shutil
import signal

import crash_log
import crash_tree
import harness
import kill_sweep
from crash_volume import CrashVolume
from kill_scenario import Scenario

KILLS, CHECKPOINTS, FAULTS = 1000, 6, 100

# What the scenario's calls fail with once their mount is gone, or hindered.
GONE = {errno.ENOTCONN, errno.ECONNABORTED, errno.ENOSPC}  # the last after a short write


class Template:
    """A volume with what was there before, to start each run from. All is below one directory."""

    def __init__(self, place, name, disk):
        self.folder = os.path.join(disk, name)
        os.mkdir(self.folder)
        self.config = os.path.join(self.folder, "config")
        os.mkdir(self.config, 0o700)
        self.place = copy.copy(place)  # its own pins
        self.place.environment = place.environment | {"XDG_CONFIG_HOME": self.config}
        self.volume = CrashVolume(self.place, name, os.path.join(self.folder, "lower")).init().mount()
        self.history = Scenario(self.volume.mountpoint)
        self.history.before()
        self.volume.unmount()
        self.history.log.all_synced()
        self.saved = os.path.join(disk, f"{name}.saved")
        shutil.copytree(self.folder, self.saved)
        self.count = os.path.join(disk, f"{name}.count")

    def restored(self):
        """The volume as it was made, and its log."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.saved, self.folder)
        os.truncate(self.volume.log, 0)
        return copy.deepcopy(self.history)

    def hindered(self, at, act, on=False):
        """The environment of a mount in which call number `at` is special."""
        return kill_sweep.hindered(self.place, self.folder, self.count, at, act, on)

    def counted(self):
        return kill_sweep.counted(self.count)

    def said(self):
        return self.volume.said()

    def clear(self):
        """After a problem: the next run starts without a mount."""
        self.place.run("umount", "-l", self.volume.mountpoint)
        self.volume.kill()


class CrashKill(kill_sweep.SweepTest):
    def setUp(self):
        super().setUp()
        disk = self.place.filesystem("tmpfs", 256)
        self.templates = [Template(self.place, f"volume-{number}", disk) for number in range(kill_sweep.AT_ONCE)]
        self.calls = self.count_calls()

    def count_calls(self):
        template = self.templates[0]
        history = template.restored()
        template.volume.mount(environment=template.hindered(0, ""))
        history.run()
        template.volume.unmount()
        self.verify(template, history)
        return template.counted()

    def verify(self, template, history):
        """Mounted again, all that was done is there; so it is once more after that."""
        volume = template.volume
        volume.mount()
        volume.wait_until_recovered()
        found = crash_tree.read_tree(volume.path())
        self.assertEqual([], crash_log.Crash.of_process(history.log).problems(found))
        with open(volume.path("after"), "wb") as file:
            file.write(b"it goes on")
        os.unlink(volume.path("after"))
        volume.remount()
        self.assertEqual(found, crash_tree.read_tree(volume.path()))
        volume.unmount()
        volume.leftovers()

    def run_hindered(self, template, at, act, on=False):
        """(what the mount ended with, the log, the error that ended the history or None)."""
        history, volume, error = template.restored(), template.volume, None
        code = volume.try_mount(environment=template.hindered(at, act, on))
        if code is not None:
            return code, history, None
        try:
            history.run()
        except OSError as raised:
            error = raised
        volume.try_unmount()  # which fails where the mount is gone
        return volume.process.wait(), history, error

    def kill_at(self, template, at, act):
        code, history, error = self.run_hindered(template, at, act)
        was_reached = template.counted() >= at  # a mount makes a call more or less
        self.assertEqual(-signal.SIGKILL if was_reached else 0, code, template.volume.said())
        self.assertIn(error and error.errno, GONE | {None})
        self.verify(template, history)

    def fail_at(self, template, at, act, on):
        code, history, error = self.run_hindered(template, at, act, on)
        self.assertIn(error and error.errno, {None, act, errno.ENOSPC})
        self.assertGreaterEqual(code, 0, template.volume.said())
        self.verify(template, history)

    def pass_at(self, template, at, act, on):
        code, history, error = self.run_hindered(template, at, act, on)
        self.assertEqual((0, None), (code, error), template.volume.said())
        self.verify(template, history)

    def test_killed_at_any_call_what_was_done_is_there(self):
        self.sweep(((self.kill_at, at, act) for at in range(1, self.calls + 2)
                    for act in ("kill-before", "kill-after")), KILLS)

    def test_killed_around_a_checkpoint_what_was_done_is_there(self):
        for template in self.templates:
            template.history.pause_s = 5.5  # longer than from a change to its checkpoint
        self.calls = self.count_calls()
        self.sweep(((self.kill_at, at, "kill-before") for at in range(80, self.calls + 1)), CHECKPOINTS)

    def test_an_error_below_loses_nothing_older(self):
        self.sweep(((self.fail_at, at, number, on) for at in range(1, self.calls + 1)
                    for number in (errno.ENOSPC, errno.EIO) for on in (False, True)), FAULTS)

    def test_short_writes_and_signals_are_not_seen(self):
        self.sweep(((self.pass_at, at, act, on) for at in range(1, self.calls + 1)
                    for act, on in ((errno.EINTR, False), ("short", False), ("short", True))), FAULTS)


if __name__ == "__main__":
    harness.main(needs_root=True)
