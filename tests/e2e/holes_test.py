"""Holes on a real mount: what is mapped and dirty is never taken for one, and what is one costs nothing."""

import errno
import contextlib
import errno
import mmap
import os
import time

import harness

SECTOR, PAGE = 4064, 4096
LENGTH = 150 * SECTOR + 1000


def segments_of(path):
    """[(from, to)] of the data, as lseek(2) tells it."""
    found, fd = [], os.open(path, os.O_RDONLY)
    try:
        length, at = os.fstat(fd).st_size, 0
        while at < length:
            try:
                start = os.lseek(fd, at, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                break  # nothing but a hole up to the end
            at = os.lseek(fd, start, os.SEEK_HOLE)
            found.append((start, at))
    finally:
        os.close(fd)
    return found


def read_by_segments(path):
    """The content for who believes SEEK_DATA and SEEK_HOLE."""
    content = bytearray(os.stat(path).st_size)
    with open(path, "rb") as file:
        for start, end in segments_of(path):
            file.seek(start)
            content[start:end] = file.read(end - start)
    return bytes(content)


def data_around(pages, length):
    """The segments of a file of which those pages were written, and nothing else."""
    sectors = sorted({sector for page in pages
                      for sector in range(page * PAGE // SECTOR, (min((page + 1) * PAGE, length) - 1) // SECTOR + 1)})
    found = []
    for sector in sectors:
        start, end = sector * SECTOR, min((sector + 1) * SECTOR, length)
        if found and found[-1][1] == start:
            start = found.pop()[0]
        found.append((start, end))
    return found


class Holes(harness.MountedTest):
    kind = None  # of the lower filesystem, if not what is there

    def setUp(self):
        super().setUp()
        self.volume = self.new_volume(lower=self.kind and self.place.filesystem(self.kind, 320) + "/lower")
        self.path = self.volume.path("file")

    def contents_by_copying(self):
        """As other processes see it."""
        copy = os.path.join(self.place.path, "copy")
        found = {"seek": self.place.call(read_by_segments, self.path)}
        for option in ("--sparse=always", "--sparse=auto", "--sparse=never"):
            for target in (copy, self.volume.path("copy")):
                self.place.must("cp", option, self.path, target)
                with open(target, "rb") as file:
                    found[f"{option} to {os.path.dirname(target)}"] = file.read()
                os.unlink(target)
        return found

    def assert_all_see(self, content):
        for how, found in self.contents_by_copying().items():
            self.assertTrue(found == content, how)

    def wait_for_segments(self, expected):
        """The kernel closes a file some time after its last user did, and until then all is data."""
        while segments_of(self.path) == [(0, os.path.getsize(self.path))] != expected:
            time.sleep(0.01)
        self.assertEqual(expected, segments_of(self.path))

    def make_hole(self, how):
        """A file of nothing but zeros."""
        with open(self.path, "wb") as file:
            if how == "grown":
                file.truncate(LENGTH)
            else:
                file.write(self.random.randbytes(LENGTH))
        if how == "punched":
            self.place.must("fallocate", "--punch-hole", "--length", str(LENGTH), self.path)
        if how == "zeroed":
            self.place.must("fallocate", "--zero-range", "--length", str(LENGTH), self.path)

    def check_stores(self, how):
        self.make_hole(how)
        model, last = bytearray(LENGTH), LENGTH // PAGE
        pages = self.random.sample(range(last + 1), 20)
        file = os.open(self.path, os.O_RDWR)
        with mmap.mmap(file, LENGTH) as mapping:
            os.close(file)
            for page in pages:
                at = min(page * PAGE + self.random.randrange(PAGE), LENGTH - 1)
                model[at] = mapping[at] = self.random.randrange(1, 256)
                if page in pages[::5]:
                    self.assertTrue(self.place.call(read_by_segments, self.path) == model)
            self.assert_all_see(model)
            for page in pages[:5]:  # dirty once more, after the kernel has written them
                at = page * PAGE
                model[at] = mapping[at] = 7
            self.assert_all_see(model)
        self.assert_all_see(model)
        if how != "zeroed":  # ext4 writes the zeros of reserved blocks that lie beside written ones: data, for SEEK
            self.wait_for_segments(data_around(pages, LENGTH))
        self.volume.remount()
        if how != "zeroed":
            self.assertEqual(data_around(pages, LENGTH), segments_of(self.path))
        self.assert_all_see(model)

    def test_stores_into_a_grown_file_are_never_skipped(self):
        self.check_stores("grown")

    def test_stores_into_a_punched_file_are_never_skipped(self):
        self.check_stores("punched")

    def test_stores_into_a_zeroed_file_are_never_skipped(self):
        self.check_stores("zeroed")

    def test_a_punch_under_a_dirty_mapping_is_seen_by_all(self):
        self.make_hole("data")
        with open(self.path, "r+b") as file, mmap.mmap(file.fileno(), LENGTH) as mapping:
            model = bytearray(self.random.randbytes(LENGTH))
            mapping[:] = bytes(model)
            start, size = 5 * SECTOR + 100, 40 * SECTOR
            self.place.must("fallocate", "--punch-hole", "--offset", str(start), "--length", str(size), self.path)
            model[start:start + size] = bytes(size)
            self.assertTrue(mapping[:] == model)
            self.assert_all_see(model)
            mapping[start + 10 * SECTOR] = model[start + 10 * SECTOR] = 9
            self.assert_all_see(model)
        self.assert_all_see(model)

    def test_a_punch_gives_the_blocks_back_and_a_sparse_copy_takes_none(self):
        content = self.random.randbytes(2 << 20) + bytes(4 << 20) + self.random.randbytes(2 << 20)
        with open(self.path, "wb") as file:
            file.write(content)
        full = os.stat(self.path).st_blocks
        self.place.must("fallocate", "--dig-holes", self.path)
        self.assertLess(os.stat(self.path).st_blocks, full * 5 / 8)
        self.place.must("cp", "--sparse=always", self.path, self.volume.path("copy"))
        self.assertLess(os.stat(self.volume.path("copy")).st_blocks, full * 5 / 8)
        self.place.must("fallocate", "--punch-hole", "--length", str(8 << 20), self.path)
        self.assertLess(os.stat(self.path).st_blocks, 100)
        self.volume.remount()
        with open(self.volume.path("copy"), "rb") as file:
            self.assertTrue(file.read() == content)
        self.wait_for_segments([])
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_what_fallocate_reserves_is_there_and_zero(self):
        with open(self.path, "wb") as file:
            file.write(b"begin")
        self.place.must("fallocate", "--keep-size", "--length", str(1 << 20), self.path)
        self.assertEqual(5, os.path.getsize(self.path))
        self.assertGreaterEqual(os.stat(self.path).st_blocks * 512, 1 << 20)
        with contextlib.closing(open(self.path, "r+b")) as file:
            os.posix_fallocate(file.fileno(), 0, 1_000_000)
        self.assert_all_see(b"begin".ljust(1_000_000, b"\0"))

    def test_a_punch_that_fails_half_way_shows_what_it_did(self):
        """The kernel went on showing the pages of before: another content than after the next mount."""
        with open(self.path, "wb") as file:
            file.write(b"a" * 10 * SECTOR)
        with open(self.volume.lower_of(self.path), "r+b") as lower:
            lower.seek(PAGE * (1 + 5) + 100)
            lower.write(b"damage in the sector where the punch ends")
        done = self.place.run("fallocate", "--punch-hole", "--offset", str(SECTOR), "--length", str(4 * SECTOR + 9), self.path)
        self.assertIn("Input/output error", done.stderr)
        for _ in range(2):
            with open(self.path, "rb", buffering=0) as file:
                self.assertEqual(b"a" * SECTOR + bytes(4 * PAGE - SECTOR), file.read(4 * PAGE))
            self.volume.remount()


if __name__ == "__main__":
    harness.main()
