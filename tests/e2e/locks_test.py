"""flock and fcntl locks between processes."""

import errno
import fcntl
import os

import harness


def try_flock(path, kind):
    with open(path, "r+b") as file:
        fcntl.flock(file, kind | fcntl.LOCK_NB)


def try_lockf(path, kind, length, start):
    with open(path, "r+b") as file:
        fcntl.lockf(file, kind | fcntl.LOCK_NB, length, start)


class Locks(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.path = self.new_volume().path("file")
        with open(self.path, "wb") as file:
            file.write(b"x" * 100)

    def try_elsewhere(self, *arguments):
        """None, or the errno that another process gets."""
        try:
            self.place.call(*arguments)
        except OSError as error:
            return error.errno
        return None

    def test_flock_excludes_other_processes_until_it_is_released(self):
        with open(self.path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.assertEqual(errno.EWOULDBLOCK, self.try_elsewhere(try_flock, self.path, fcntl.LOCK_EX))
            self.assertEqual(errno.EWOULDBLOCK, self.try_elsewhere(try_flock, self.path, fcntl.LOCK_SH))
            fcntl.flock(file, fcntl.LOCK_SH)
            self.assertEqual(errno.EWOULDBLOCK, self.try_elsewhere(try_flock, self.path, fcntl.LOCK_EX))
            self.assertIsNone(self.try_elsewhere(try_flock, self.path, fcntl.LOCK_SH))
        self.assertIsNone(self.try_elsewhere(try_flock, self.path, fcntl.LOCK_EX))

    def test_fcntl_locks_exclude_other_processes_by_range(self):
        with open(self.path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 10, 20)
            for start, length, expected in [(20, 10, True), (29, 1, True), (0, 21, True), (0, 20, False), (30, 5, False)]:
                found = self.try_elsewhere(try_lockf, self.path, fcntl.LOCK_EX, length, start)
                self.assertEqual(expected, found in (errno.EACCES, errno.EAGAIN), (start, length))
            fcntl.lockf(file, fcntl.LOCK_UN)
            self.assertIsNone(self.try_elsewhere(try_lockf, self.path, fcntl.LOCK_EX, 10, 20))

    def test_a_waiting_process_gets_the_lock_when_its_holder_dies(self):
        reading, writing = os.pipe()
        holder = os.fork()
        if holder == 0:
            with open(self.path, "r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
                os.write(writing, b"!")
                os.close(writing)
                os._exit(0)  # without unlocking
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        with open(self.path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
        os.waitpid(holder, 0)


if __name__ == "__main__":
    harness.main()
