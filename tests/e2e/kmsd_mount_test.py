"""Mounts whose keys are in enfold-kmsd: while it is there, away, hung and back; and rekey to it and from it."""

import errno
import os
import shutil
import threading
import time

import harness
import trees
from kms_daemon import KmsDaemon

FILES = 60
CACHE_SECONDS = 1
# Generous: what hangs takes for ever, or some seconds for each of the files.
IN_TIME_S = 60


class WithDaemon(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.daemon = KmsDaemon(self.place)
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        self.daemon.let_me_in()
        self.files = {}

    def new_volume(self, *arguments, kms=None):
        self.volume = harness.Volume(self.place)
        self.volume.kms = kms or self.daemon.url
        self.volume.init().mount(*arguments)
        for number in range(FILES):
            self.write(f"file {number}")
        self.volume.remount()

    def write(self, name):
        self.files[name] = self.random.randbytes(self.random.randrange(1, 20_000))
        with open(self.volume.path(name), "wb") as file:
            file.write(self.files[name])

    def read(self, name):
        with open(self.volume.path(name), "rb") as file:
            return file.read()

    def assert_all_read(self):
        for name, content in self.files.items():
            self.assertTrue(self.read(name) == content, name)

    def wait_until_all_read(self):
        """A file that is open, and a service that was away, repeat a refusal for up to a second."""
        deadline = time.monotonic() + IN_TIME_S
        while True:
            try:
                return self.assert_all_read()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AssertionError("what came back is not noticed") from error
                time.sleep(0.1)

    def assert_in_time(self, function):
        begin = time.monotonic()
        result = function()
        self.assertLess(time.monotonic() - begin, IN_TIME_S)
        return result


class Away(WithDaemon):
    def assert_opens_nothing_new(self, names):
        for name in names:
            self.assert_raises_errno(errno.ENOKEY, self.read, name)

    def assert_lives_without(self, leave, come_back):
        """Open files go on, new opens fail in time, and all is well when it is back."""
        self.new_volume()
        opened = os.open(self.volume.path("file 0"), os.O_RDWR)
        os.pread(opened, 1, 0)
        names = [name for name in self.files if name != "file 0"]
        leave()
        self.assert_in_time(lambda: self.assert_opens_nothing_new(names))
        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        self.assertEqual(self.files["file 0"], os.pread(opened, 1 << 20, 0))
        self.assertEqual(4, os.pwrite(opened, b"more", len(self.files["file 0"])))
        self.files["file 0"] += b"more"
        os.fsync(opened)
        os.close(opened)
        self.assertEqual(sorted(self.files), sorted(os.listdir(self.volume.path())))
        come_back()
        self.wait_until_all_read()
        self.volume.remount()
        self.assert_all_read()
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_a_stopped_daemon_costs_only_what_is_opened_meanwhile(self):
        self.assert_lives_without(self.daemon.stop, self.daemon.start)

    def test_a_killed_daemon_costs_only_what_is_opened_meanwhile(self):
        self.assert_lives_without(self.daemon.kill, self.daemon.start)

    def test_a_hung_daemon_costs_only_what_is_opened_meanwhile(self):
        self.assert_lives_without(self.daemon.pause, self.daemon.go_on)

    def test_without_the_daemon_a_volume_unmounts_at_once_and_mounts_not_at_all(self):
        self.new_volume()
        self.daemon.stop()
        self.assert_in_time(self.volume.unmount)
        done = self.assert_in_time(self.volume.try_mount)
        self.assertEqual(53, done.returncode, done.stderr)
        self.assertIn(self.daemon.socket, done.stderr)
        self.assertIsNone(harness.mounted_at(self.volume.mountpoint))
        self.daemon.start()
        self.volume.mount()
        self.assert_all_read()

    def test_beside_a_hung_daemon_a_volume_unmounts_and_its_status_is_told(self):
        self.new_volume()
        self.daemon.pause()
        status = self.assert_in_time(lambda: self.volume.json("status", self.volume.mountpoint))
        self.assertEqual("kms-unavailable", status["key_state"])
        self.assertEqual(self.daemon.url, status["kms"])
        self.assert_in_time(self.volume.unmount)
        done = self.assert_in_time(self.volume.try_mount)
        self.assertEqual(53, done.returncode, done.stderr)
        self.daemon.go_on()
        self.volume.mount()
        self.assert_all_read()


class Refusals(WithDaemon):
    def test_a_disabled_key_ends_reading_within_the_cache_time_and_an_enabled_one_resumes_it(self):
        self.new_volume("-o", f"key_cache_seconds={CACHE_SECONDS}")
        key = self.volume.json("status", self.volume.lower)["key"]
        opened = os.open(self.volume.path("file 1"), os.O_RDONLY)
        os.pread(opened, 1, 0)
        self.assertEqual("Disabled", self.daemon.enfold("key", "disable", key)["state"])
        time.sleep(CACHE_SECONDS + 0.2)
        self.assert_raises_errno(errno.EKEYREVOKED, self.read, "file 2")
        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        self.assert_raises_errno(errno.EKEYREVOKED, os.pread, opened, 10, 0)
        os.close(opened)
        self.assertEqual("Disabled", self.volume.json("status", self.volume.lower)["key_state"])
        self.daemon.enfold("key", "enable", key)
        self.wait_until_all_read()

    def test_a_user_who_is_no_principal_any_more_is_refused(self):
        self.new_volume("-o", f"key_cache_seconds={CACHE_SECONDS}")
        self.daemon.enfold("principal", "remove", "me")
        time.sleep(CACHE_SECONDS + 0.2)
        self.assert_raises_errno(errno.EACCES, self.read, "file 2")
        self.assertEqual([], self.daemon.enfold("principal", "list")["principals"])
        self.daemon.let_me_in("me-again")
        self.wait_until_all_read()


class Http(WithDaemon):
    """Signed requests over the loopback interface."""

    def setUp(self):
        super().setUp()
        self.credentials = os.path.join(self.place.path, "credentials")
        self.place.environment |= {"AWS_SHARED_CREDENTIALS_FILE": self.credentials, "AWS_REGION": "local"}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            self.place.environment.pop(name, None)

    def use_new_access_key(self):
        key = self.daemon.enfold("principal", "access-key", "create", "me")
        with open(self.credentials + ".new", "w") as file:
            file.write(f"[default]\naws_access_key_id = {key['access_key_id']}\n"
                       f"aws_secret_access_key = {key['secret_access_key']}\n")
        os.rename(self.credentials + ".new", self.credentials)
        return key["access_key_id"]

    def test_an_access_key_may_be_exchanged_beside_a_mount(self):
        first = self.use_new_access_key()
        self.new_volume("-o", f"key_cache_seconds={CACHE_SECONDS}", kms=self.daemon.http)
        self.assert_all_read()
        self.use_new_access_key()
        self.daemon.enfold("principal", "access-key", "delete", first)
        time.sleep(CACHE_SECONDS + 0.2)
        self.assert_all_read()
        self.volume.remount()
        self.assert_all_read()

    def test_a_relative_path_of_the_credentials_serves_the_mount_too(self):
        """It reads them after it left the directory that it was started in."""
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.place.path)
        self.place.environment["AWS_SHARED_CREDENTIALS_FILE"] = os.path.basename(self.credentials)
        self.use_new_access_key()
        self.new_volume("-o", f"key_cache_seconds={CACHE_SECONDS}", kms=self.daemon.http)
        self.use_new_access_key()
        time.sleep(CACHE_SECONDS + 0.2)
        self.assert_all_read()

    def test_a_fifo_for_credentials_hangs_nothing_and_gives_no_key(self):
        self.use_new_access_key()
        self.new_volume("-o", f"key_cache_seconds={CACHE_SECONDS}", kms=self.daemon.http)
        self.assert_all_read()
        os.rename(self.credentials, self.credentials + ".kept")
        os.mkfifo(self.credentials)
        time.sleep(CACHE_SECONDS + 0.2)
        # Who opens it to write ends the wait of who opened it to read.
        release = threading.Timer(IN_TIME_S, os.open, (self.credentials, os.O_RDWR))
        release.daemon = True
        release.start()
        # The mount goes on with the key that it has.
        self.assertEqual(self.files["file 2"], self.assert_in_time(lambda: self.read("file 2")))
        status = self.assert_in_time(lambda: self.volume.json("status", self.volume.lower))
        self.assertEqual("Enabled", status["key_state"])
        release.cancel()
        done = self.place.enfold("key", "list", "--kms", self.daemon.http)
        self.assertEqual(55, done.returncode, done.stderr)
        self.assertIn(f"{self.credentials}: it is no regular file", done.stderr)
        os.rename(self.credentials + ".kept", self.credentials)
        self.assert_all_read()

    def test_without_credentials_it_says_so(self):
        done = self.place.enfold("init", os.path.join(self.place.path, "lower"), "--kms", self.daemon.http)
        self.assertEqual(55, done.returncode, done.stderr)
        self.assertIn("AWS_ACCESS_KEY_ID", done.stderr)
        done = self.place.enfold("key", "list", "--kms", "http://192.0.2.1:80")
        self.assertEqual(2, done.returncode, done.stderr)


class Rekey(WithDaemon):
    """From an embedded store to the daemon and back; what the volume was under is moved away each time."""

    def setUp(self):
        super().setUp()
        self.volume = harness.Volume(self.place).init().mount("-o", f"key_cache_seconds={CACHE_SECONDS}")
        trees.make_tree(self.volume.path(), self.random, 150)
        self.volume.remount()
        self.tree = trees.describe(self.volume.path())

    def rekey(self, kms, key):
        answer = self.volume.json("rekey", self.volume.lower, "--to-kms", kms, "--to-key", key)
        self.assertTrue(answer["complete"], answer)
        self.assertEqual((kms, key), (answer["kms"], answer["key"]))

    def is_all_there(self):
        self.assertEqual("", trees.differences(self.tree, trees.describe(self.volume.path())))

    def round_trip(self, around):
        """`around` does a rekey with the volume mounted or not."""
        around(lambda: self.rekey(self.daemon.url, self.daemon.new_key()))
        shutil.move(self.volume.keys, self.volume.keys + ".away")
        self.volume.remount()
        self.is_all_there()
        with open(self.volume.path("made under the daemon's key"), "wb") as file:
            file.write(b"new")
        self.tree = trees.describe(self.volume.path())

        store = f"embedded:{self.place.path}/second.keys"
        made = self.volume.json("key", "create", "--kms", store, "--root-key", "generated")
        around(lambda: self.rekey(store, made["arn"]))
        self.daemon.stop()
        self.volume.remount()
        self.is_all_there()
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_on_a_mount(self):
        self.round_trip(lambda rekey: rekey())

    def test_on_an_unmounted_volume(self):
        def around(rekey):
            self.volume.unmount()
            rekey()
            self.volume.mount(*self.volume.options)

        self.round_trip(around)

    def test_from_key_to_key_inside_the_daemon(self):
        self.rekey(self.daemon.url, self.daemon.new_key())
        former = self.volume.json("status", self.volume.lower)["key"]
        self.rekey(self.daemon.url, self.daemon.new_key())
        self.daemon.enfold("key", "disable", former)
        self.volume.remount()
        self.is_all_there()
        self.daemon.enfold("key", "rotate", self.volume.json("status", self.volume.lower)["key"])
        answer = self.volume.json("rekey", self.volume.lower)
        self.assertTrue(answer["complete"], answer)
        self.volume.remount()
        self.is_all_there()


if __name__ == "__main__":
    harness.main()
