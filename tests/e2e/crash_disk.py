"""A disk of which copies can be taken at any moment, as a power cut would leave it. Needs root.

The disk is a file on an XFS that can share blocks, behind a loop device. FICLONE of that file keeps writers out while
it runs, so a copy holds every write that the device has completed, of those under way each whole or not at all, and
nothing later: a power cut of a disk without a volatile cache. What a cache may lose or reorder is left to the tests
that replay a log of writes. The copy takes a millisecond and stops nobody.

Buffered I/O below the loop device, since all lies in memory anyway. The loop device asks for stable pages: a page
that is written to while it is on its way to the disk would be torn in the copy, as it could be on a disk.
"""

import contextlib
import ctypes
import fcntl
import os
import threading
import time

import harness

_FICLONE = 0x40049409
_SYNC_FILE_RANGE_WRITE = 2
# nouuid: of a copy's origin nothing may be left in the kernel, but need not be gone yet.
_OPTIONS = {"ext4": "commit=1", "xfs": "nouuid"}


class CrashDisk:
    def __init__(self, place, kind, size_mib=384):
        self.place, self.kind = place, kind
        memory = place.filesystem("tmpfs", 8 * size_mib)
        outer = os.path.join(memory, "outer")
        with open(outer, "wb") as file:
            file.truncate(32 * size_mib << 20)
        place.must("mkfs.xfs", "-q", "-m", "reflink=1", outer)
        self.images = place.make(f"{kind}-images")
        place.must("mount", "-o", "loop", outer, self.images)
        self.path = place.make(f"{kind}-disk")
        self.disk = os.path.join(self.images, "disk")
        with open(self.disk, "wb") as file:
            file.truncate(size_mib << 20)
        place.must(f"mkfs.{kind}", "-q", self.disk)

    @contextlib.contextmanager
    def mounted(self, image=None):
        """The disk, or a copy of it, at self.path; its filesystem recovers there."""
        device = self.place.must("losetup", "--find", "--show", image or self.disk).strip()
        try:
            _ask_for_stable_pages(device)
            self.place.must("mount", "-t", self.kind, "-o", _OPTIONS[self.kind], device, self.path)
        finally:
            self.place.must("losetup", "--detach", device)  # where it is mounted: once it no longer is
        yield self.path
        self.place.must("umount", self.path)  # after an error the end of the place does it, above and below

    def copy(self, name, origin=None):
        """Of the disk, or of a copy, as it is now, with the moments between which it was taken."""
        image = os.path.join(self.images, name)
        with open(origin or self.disk, "rb") as source, open(image, "wb") as target:
            before = time.monotonic_ns()
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
            after = time.monotonic_ns()
        return Copy(image, before, after)


class Copy:
    def __init__(self, image, before, after):
        self.image, self.before, self.after = image, before, after

    def remove(self):
        os.unlink(self.image)


    def __str__(self):
        return os.path.basename(self.image)


class Camera(threading.Thread):
    """Copies the disk at random moments."""

    def __init__(self, disk, rng, copies):
        super().__init__(daemon=True)
        self.disk, self.rng, self.wanted, self.copies = disk, rng, copies, []

    def run(self):
        while len(self.copies) < self.wanted:
            time.sleep(self.rng.uniform(0.05, 1.5))
            self.copies.append(self.disk.copy(f"copy-{len(self.copies)}"))

    def is_done(self):
        return not self.is_alive()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join()


def _ask_for_stable_pages(device):
    with contextlib.suppress(OSError), open(f"/sys/block/{os.path.basename(device)}/queue/stable_writes", "w") as knob:
        knob.write("1")


class Shaker(threading.Thread):
    """Brings the disk's pages, names and sizes to the disk in an order that nobody asked for: random pages of lower
    files, and the journal by the fsync of a file that is none of the volume's. Left alone, nearly all copies would show
    the moment of the last fsync."""

    def __init__(self, disk, rng):
        super().__init__(daemon=True)
        self.disk, self.rng, self.ending = disk, rng, threading.Event()

    def run(self):
        with open(os.path.join(self.disk, "unrelated"), "wb", buffering=0) as unrelated:
            while not self.ending.wait(self.rng.uniform(0, 0.03)):
                if self.rng.random() < 0.15:
                    unrelated.write(b"x")
                    os.fsync(unrelated.fileno())
                else:
                    with contextlib.suppress(FileNotFoundError, IndexError):
                        self.write_back_some_pages()

    def write_back_some_pages(self):
        folder = self.disk
        while True:
            entry = self.rng.choice(list(os.scandir(folder)))
            if entry.is_file(follow_symlinks=False):
                break
            folder = entry.path
        file = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            pages = os.fstat(file).st_size // 4096 + 1
            for _ in range(self.rng.randint(1, 3)):
                start, count = self.rng.randrange(pages), self.rng.choice([1, 1, 2, 8])
                harness.libc.sync_file_range(file, ctypes.c_int64(start * 4096), ctypes.c_int64(count * 4096),
                                             _SYNC_FILE_RANGE_WRITE)
        finally:
            os.close(file)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()
