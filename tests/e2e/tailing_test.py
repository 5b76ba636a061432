"""For a minute, one process appends to a file and others read it as it grows."""

import mmap
import os
import time

import harness

SECONDS = 60
PERIOD = 251 * 4093  # of the expected content: it shares no divisor with sectors and pages, so none looks like another


class Pattern:
    """The content that the file has at each place."""

    def __init__(self, seed):
        self.blocks = harness.random.Random(seed).randbytes(PERIOD) * 2

    def at(self, start, length):
        """Up to one period."""
        return self.blocks[start % PERIOD:start % PERIOD + length]


def append_for(path, pattern, seed):
    """The number of bytes written."""
    rng = harness.random.Random(seed)
    written, end = 0, time.monotonic() + SECONDS
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    while time.monotonic() < end:
        length = rng.choice([1, 17, 500, 4064, 5000, 70_000])
        written += os.write(file, pattern.at(written, length))
        if rng.random() < 0.05:
            os.fsync(file)
        if rng.random() < 0.02:  # closing seals the file, which a reader must not notice
            os.close(file)
            file = os.open(path, os.O_WRONLY | os.O_APPEND)
        time.sleep(rng.choice([0, 0.001, 0.01]))  # leaves the readers a part of the machine
    os.close(file)
    return written


def read_on(file, pattern, place, direct):
    """Reads from `place` to the end that there is; the new place."""
    if direct:
        start, buffer = place // 4096 * 4096, mmap.mmap(-1, 1 << 18)
        length = os.preadv(file, [buffer], start)
        got = buffer[:length]
    else:
        start, got = place, os.pread(file, 1 << 18, place)
    expected = pattern.at(start, len(got))
    if got == expected:
        return start + len(got)
    wrong = [i for i in range(len(got)) if got[i] != expected[i]]
    raise AssertionError(f"{len(wrong)} wrong bytes, {sum(got[i] == 0 for i in wrong)} of them zero, from "
                         f"{start + wrong[0]} to {start + wrong[-1]}; read of {len(got)} bytes at {start}")


def tail(path, pattern, seed, direct, end):
    """Reads what is new, and again something old that the kernel was told to forget; the number of reads."""
    rng = harness.random.Random(seed)
    place, reads = 0, 0
    file = os.open(path, os.O_RDONLY | (os.O_DIRECT if direct else 0))
    while time.monotonic() < end:
        place = read_on(file, pattern, place, direct)
        if not direct and rng.random() < 0.2:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        read_on(file, pattern, rng.randint(0, place), direct)
        if rng.random() < 0.05:
            os.close(file)
            file = os.open(path, os.O_RDONLY | (os.O_DIRECT if direct else 0))
        reads += 2
        time.sleep(0.002)
    os.close(file)
    return reads


class Tailing(harness.MountedTest):
    def start_reader(self, *arguments):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if tail(*arguments) > 0 else 1
            except BaseException as error:
                print(f"reader: {error!r}", flush=True)
            os._exit(code)
        return child

    def test_readers_of_a_growing_file_get_no_error_and_no_wrong_byte(self):
        volume = self.new_volume()
        path = volume.path("log")
        os.close(os.open(path, os.O_CREAT))
        pattern = Pattern(self.random.random())
        end = time.monotonic() + SECONDS
        readers = [self.start_reader(path, pattern, self.random.random(), direct, end) for direct in (False, True)]
        written = append_for(path, pattern, self.random.random())
        self.assertEqual([0, 0], [os.waitpid(reader, 0)[1] for reader in readers])

        volume.remount()
        self.assertEqual(written, os.path.getsize(path))
        with open(path, "rb") as file:
            for start in range(0, written, PERIOD):
                self.assertTrue(file.read(PERIOD) == pattern.at(start, min(PERIOD, written - start)), start)
        volume.unmount()
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main()
