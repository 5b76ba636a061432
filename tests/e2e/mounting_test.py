"""Mounting, daemonising, unmounting and failing to mount as other FUSE programs do it."""

import errno
import hashlib
import itertools
import os
import signal
import subprocess
import time

import harness
import trees


def lower_state(root):
    """Every byte, mode and time below, to show that nothing was touched."""
    state = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                state[path] = hashlib.sha256(file.read()).hexdigest(), os.lstat(path).st_mtime_ns
    return state


class Mounting(harness.MountedTest):
    def filled_volume(self, *arguments):
        volume = self.new_volume(*arguments)
        trees.make_tree(volume.path(), self.random, 60)
        self.expected = trees.describe(volume.path())
        return volume

    def assert_intact(self, volume):
        self.assertEqual("", trees.differences(self.expected, trees.describe(volume.path())))

    def assert_refused(self, done, *words):
        """Refused before the prompt returned: an exit code, a line that says what, and no daemon."""
        self.assertGreater(done.returncode, 0, done.stdout)
        self.assertEqual(set(), done.daemons)
        self.assertTrue(done.stderr.strip(), "nothing on stderr")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_the_daemon_keeps_nothing_of_its_caller(self):
        volume = self.filled_volume()
        if os.geteuid() == 0:  # its own user cannot look: it is not dumpable
            descriptors = f"/proc/{volume.daemon}/fd"
            self.assertEqual({"/dev/null"}, {os.readlink(f"{descriptors}/{number}") for number in "012"})
            self.assertEqual("/", os.readlink(f"/proc/{volume.daemon}/cwd"))
        else:
            self.assert_raises_errno(errno.EACCES, os.readlink, f"/proc/{volume.daemon}/fd/0")
        self.assertNotEqual(os.getsid(0), os.getsid(volume.daemon))
        self.assertEqual("fuse.enfold", harness.mounted_at(volume.mountpoint))

    def test_a_mount_in_a_pipeline_lets_it_end(self):
        volume = self.filled_volume()
        volume.unmount()
        before = harness.child_processes()
        with subprocess.Popen([self.place.program, "mount", volume.lower, volume.mountpoint], stderr=subprocess.STDOUT,
                              stdout=subprocess.PIPE, env=self.place.environment) as mounting:
            output = mounting.stdout.read()  # ends when the last holder of the pipe has let go
        self.assertEqual(0, mounting.returncode, output)
        (volume.daemon,) = harness.child_processes() - before
        self.assert_intact(volume)
        volume.unmount()

    def test_what_is_no_volume_or_no_mount_point_is_refused(self):
        volume = harness.Volume(self.place).init()
        self.assert_refused(self.place.enfold("mount", self.place.make("empty"), volume.mountpoint), "empty")
        self.assert_refused(self.place.enfold("mount", self.place.path + "/none", volume.mountpoint), "none")
        self.assert_refused(self.place.enfold("mount", volume.lower, self.place.path + "/nowhere"), "nowhere")
        self.assert_refused(self.place.enfold("mount", volume.lower, __file__))
        self.assert_refused(volume.try_mount("-o", "no_such_option_at_all"), "no_such_option_at_all")
        self.assertIsNone(harness.mounted_at(volume.mountpoint))
        volume.mount()  # nothing of that stands in the way
        volume.unmount()

    def test_a_volume_over_the_directory_that_its_keys_are_below(self):
        """As over a home: a look at the key store by its path waited for the very mount that looked."""
        home = self.place.make("somebody")
        volume = harness.Volume(self.place, "over")
        volume.keys = os.path.join(home, ".keys")
        volume.kms, volume.mountpoint = f"embedded:{volume.keys}", home
        volume.init().mount("-o", "key_cache_seconds=1")
        trees.make_tree(volume.path(), self.random, 60)
        self.expected = trees.describe(volume.path())
        time.sleep(1.2)
        self.assert_intact(volume)
        key = volume.json("status", volume.lower)["key"]
        self.assertTrue(volume.json("rekey", volume.lower, "--to-key", key, "--new-data-keys")["complete"])
        volume.remount()
        self.assert_intact(volume)
        volume.unmount()
        volume.must_be_clean()

    def test_a_second_mount_is_refused_and_the_first_goes_on(self):
        volume = self.filled_volume()
        other = self.place.make("other")
        refused = self.place.enfold("mount", volume.lower, other)
        self.assert_refused(refused, str(volume.daemon))
        self.assertIsNone(harness.mounted_at(other))
        self.assert_refused(self.place.enfold("mount", volume.lower, volume.mountpoint))
        self.assert_intact(volume)
        volume.remount()
        self.assert_intact(volume)

    def test_a_mount_point_in_use_is_refused(self):
        first = self.filled_volume()
        second = harness.Volume(self.place, "second").init()
        self.assert_refused(self.place.enfold("mount", second.lower, first.mountpoint), first.mountpoint)
        self.assert_intact(first)
        first.remount()
        self.assert_intact(first)

    def test_a_dead_mount_point_is_detached_by_the_next_mount(self):
        volume = self.filled_volume()
        for _ in range(2):
            volume.kill()
            self.assert_raises_errno(errno.ENOTCONN, os.listdir, volume.mountpoint)
            volume.mount()
            self.assert_intact(volume)
        volume.unmount()
        volume.must_be_clean()

    def test_files_that_were_closed_survive_a_kill(self):
        volume = self.new_volume()
        for _ in range(3):
            trees.make_tree(self.make_folder(volume), self.random, 60)
            expected = trees.describe(volume.path())
            volume.kill()
            volume.mount()
            self.assertEqual("", trees.differences(expected, trees.describe(volume.path())))

    def make_folder(self, volume):
        path = volume.path(f"folder-{len(os.listdir(volume.path()))}")
        os.mkdir(path)
        return path

    def test_signals_unmount(self):
        volume = self.filled_volume()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with open(volume.path("last"), "wb") as file:
                file.write(b"just before the signal")
            os.kill(volume.daemon, number)
            volume.ended(0)
            self.assertIsNone(harness.mounted_at(volume.mountpoint))
            volume.mount()
            with open(volume.path("last"), "rb") as file:
                self.assertEqual(b"just before the signal", file.read())
            os.unlink(volume.path("last"))
        volume.unmount()
        volume.must_be_clean()

    def test_a_signal_while_a_file_is_open_for_writing_loses_nothing(self):
        volume = self.new_volume()
        for turn in range(10):  # what the kernel still has to write back races with the end
            path, content = volume.path(f"open-{turn}"), self.random.randbytes(100_000)
            file = os.open(path, os.O_WRONLY | os.O_CREAT)
            os.write(file, content)
            os.kill(volume.daemon, signal.SIGTERM)
            volume.ended(0)
            with self.assertRaises(OSError):  # nobody answers any more
                os.close(file)
            self.assertIsNone(harness.mounted_at(volume.mountpoint))
            volume.mount()
            with open(path, "rb") as file:
                self.assertTrue(file.read() == content, turn)
        volume.unmount()
        volume.must_be_clean()

    def test_umount_and_fusermount_both_unmount(self):
        volume = self.filled_volume()
        commands = [["fusermount3", "-u"]] + ([["umount"]] if os.geteuid() == 0 else [])
        for command in commands:
            volume.unmount(command)
            self.assertEqual([], os.listdir(volume.mountpoint))
            volume.mount()
            self.assert_intact(volume)

    def test_a_busy_mount_point_stays_until_it_is_free(self):
        volume = self.filled_volume()
        with open(volume.path("busy"), "wb", buffering=0) as file:
            file.write(b"before")
            self.assertNotEqual(0, self.place.run("fusermount3", "-u", volume.mountpoint).returncode)
            file.write(b" and after")
        volume.remount()
        with open(volume.path("busy"), "rb") as file:
            self.assertEqual(b"before and after", file.read())

    def test_in_the_foreground_it_stays_until_it_is_unmounted_or_told_to_end(self):
        volume = self.filled_volume()
        volume.unmount()
        for end in (lambda process: volume.place.must("fusermount3", "-u", volume.mountpoint),
                    lambda process: process.send_signal(signal.SIGINT)):
            process = self.place.start(self.place.program, "mount", volume.lower, volume.mountpoint, "--foreground")
            while harness.mounted_at(volume.mountpoint) is None:
                self.assertIsNone(process.poll(), "it ended before it mounted")
            self.assert_intact(volume)
            end(process)
            self.assertEqual(0, process.wait())
            self.assertIsNone(harness.mounted_at(volume.mountpoint))

    def mount_without(self, streams, volume, *arguments):
        """As `enfold mount ... 0<&- 2>&-` of a shell; what it was started as, and what serves the mount."""
        closed = " ".join(f"{stream}>&-" for stream in streams)
        before = harness.child_processes()
        started = self.place.start("sh", "-c", f'exec "$@" {closed}', "sh", self.place.program, "mount", volume.lower,
                                   volume.mountpoint, *arguments)
        while harness.mounted_at(volume.mountpoint) is None or not (arguments or started.poll() is not None):
            self.assertIn(started.poll(), (None, 0), f"without {streams} it ended before it mounted")
            time.sleep(0.01)
        (server,) = harness.child_processes() - before
        self.place.adopt(server)
        return started, server

    def test_standard_streams_that_are_closed_do_no_harm(self):
        """Lower files got their numbers: the log was written into them, and fsync failed."""
        some = [streams for count in (1, 2, 3) for streams in itertools.combinations((0, 1, 2), count)]
        for number, (streams, arguments) in enumerate(itertools.product(some, ([], ["--foreground"]))):
            with self.subTest(closed=streams, arguments=arguments):
                volume = harness.Volume(self.place, f"volume-{number}").init()
                started, server = self.mount_without(streams, volume, *arguments)
                if os.geteuid() == 0:
                    nulls = streams if arguments else (0, 1, 2)
                    self.assertEqual({"/dev/null"}, {os.readlink(f"/proc/{server}/fd/{stream}") for stream in nulls})
                content = self.random.randbytes(10_000)
                with open(volume.path("file"), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                with open(volume.path("file"), "rb") as file:
                    self.assertTrue(file.read() == content)
                self.place.must("fusermount3", "-u", volume.mountpoint)
                self.assertEqual(0, started.wait() if arguments else self.place.wait_for(server))
                self.assertEqual("closed", volume.json("status", volume.lower)["state"])
                volume.must_be_clean()

    def test_a_read_only_mount_writes_nothing_above_or_below(self):
        volume = self.filled_volume()
        volume.unmount()
        before = lower_state(volume.lower)
        volume.mount("-o", "ro")
        self.assert_intact(volume)
        self.assert_raises_errno(errno.EROFS, open, volume.path("new"), "wb")
        self.assert_raises_errno(errno.EROFS, os.mkdir, volume.path("folder"))
        volume.unmount()
        self.assertEqual(before, lower_state(volume.lower))

    def test_status_tells_by_either_path_whether_it_is_mounted(self):
        volume = self.filled_volume()
        mounted = [volume.json("status", path) for path in (volume.lower, volume.mountpoint)]
        self.assertEqual(mounted[0], mounted[1])
        self.assertTrue(mounted[0]["mounted"])
        volume.unmount()
        self.assertFalse(volume.json("status", volume.lower)["mounted"])
        self.assertNotEqual(0, self.place.enfold("status", volume.mountpoint).returncode)


if __name__ == "__main__":
    harness.main()
