"""A file mapped shared and writable by two processes."""

import mmap
import os

import harness

PAGE_BYTES = 4096
PAGES = 512


def write_pages(path, first, seed):
    """Fills every second page, from `first` on, through a mapping."""
    rng = harness.random.Random(seed)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
        for page in range(first, PAGES, 2):
            mapping[page * PAGE_BYTES:(page + 1) * PAGE_BYTES] = rng.randbytes(PAGE_BYTES)
            if page % 64 < 2:
                mapping.flush()
        mapping.flush()


def expected_pages(seeds):
    content = bytearray(PAGES * PAGE_BYTES)
    for first, seed in enumerate(seeds):
        rng = harness.random.Random(seed)
        for page in range(first, PAGES, 2):
            content[page * PAGE_BYTES:(page + 1) * PAGE_BYTES] = rng.randbytes(PAGE_BYTES)
    return bytes(content)


class Mmap(harness.MountedTest):
    def test_two_writers_of_one_mapping_lose_nothing(self):
        volume = self.new_volume()
        path = volume.path("mapped")
        with open(path, "wb") as file:
            file.truncate(PAGES * PAGE_BYTES)
        seeds = [self.random.randint(0, 2**32) for _ in range(2)]
        writers = []
        for first, seed in enumerate(seeds):
            child = os.fork()
            if child == 0:
                try:
                    write_pages(path, first, seed)
                    os._exit(0)
                finally:
                    os._exit(1)
            writers.append(child)
        self.assertEqual([0, 0], [os.waitpid(writer, 0)[1] for writer in writers])

        with open(path, "rb") as file:
            self.assertTrue(file.read() == expected_pages(seeds))
        volume.remount()
        with open(path, "rb") as file:
            self.assertTrue(file.read() == expected_pages(seeds))

    def test_a_mapping_outlives_its_descriptor_and_needs_no_msync(self):
        volume = self.new_volume()
        path = volume.path("mapped")
        content = self.random.randbytes(100_001)
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.truncate(file, len(content))
        mapping = mmap.mmap(file, len(content))
        os.close(file)
        mapping[:] = content
        mapping.close()
        volume.remount()
        with open(path, "rb") as file:
            self.assertTrue(file.read() == content)

    def test_a_mapping_and_writes_see_each_other(self):
        volume = self.new_volume()
        path = volume.path("mapped")
        model = bytearray(self.random.randbytes(50_000))
        with open(path, "w+b", buffering=0) as file:
            file.write(model)
            with mmap.mmap(file.fileno(), 0) as mapping:
                for _ in range(300):
                    start = self.random.randint(0, len(model) - 1)
                    piece = self.random.randbytes(min(self.random.randint(1, 9000), len(model) - start))
                    model[start:start + len(piece)] = piece
                    if self.random.random() < 0.5:
                        mapping[start:start + len(piece)] = piece
                        self.assertTrue(os.pread(file.fileno(), len(piece), start) == piece)
                    else:
                        os.pwrite(file.fileno(), piece, start)
                        self.assertTrue(mapping[start:start + len(piece)] == piece)
        volume.remount()
        with open(path, "rb") as file:
            self.assertTrue(file.read() == model)


if __name__ == "__main__":
    harness.main()
