"""Many entries, many inodes, huge lengths. ENFOLD_LONG=1: 100,000 entries and a million files. Needs root, for lower
filesystems of its own."""

import errno
import os
import threading

import harness

ENTRIES = 100_000 if harness.IS_LONG else 12_000
FILES = 1_000_000 if harness.IS_LONG else 12_000
DESCRIPTORS = 1024 if harness.IS_LONG else 256
PIB = 1 << 50


class Lister(threading.Thread):
    """Lists a directory again and again; what is there all the time must be listed once each time."""

    def __init__(self, path, stay):
        super().__init__()
        self.path, self.stay = path, stay
        self.stopped = threading.Event()
        self.turns, self.error = 0, None

    def run(self):
        try:
            while not self.stopped.is_set() or not self.turns:
                names = os.listdir(self.path)
                if len(names) != len(set(names)):
                    raise AssertionError("a name is listed twice")
                if not self.stay <= set(names):
                    raise AssertionError(f"{len(self.stay - set(names))} names that were there are not listed")
                self.turns += 1
        except BaseException as error:  # the test shows it
            self.error = error

    def stop(self):
        self.stopped.set()
        self.join()
        if self.error:
            raise self.error


def in_threads(function, count, parts=4):
    """Runs function(number) for all numbers below count, in some threads."""
    errors = []

    def part(first):
        try:
            for number in range(first, count, parts):
                function(number)
        except BaseException as error:  # raised again below
            errors.append(error)

    threads = [threading.Thread(target=part, args=(first,)) for first in range(parts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class ManyEntries(harness.MountedTest):
    def test_a_huge_directory_is_filled_listed_and_emptied_while_others_list_it(self):
        volume = self.new_volume()
        folder = volume.path("huge")
        os.mkdir(folder)
        stay = {f"stays-{number}" for number in range(500)}
        for name in stay:
            os.mkfifo(os.path.join(folder, name))
        lister = Lister(folder, stay)
        lister.start()
        self.addCleanup(lister.stopped.set)

        def path(number):
            return os.path.join(folder, f"{number:06d}" + "-long" * (number % 40 == 0) * 45)

        in_threads(lambda number: os.close(os.open(path(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY)), ENTRIES)
        names = {os.path.basename(path(number)) for number in range(ENTRIES)} | stay
        self.assertEqual(names, set(os.listdir(folder)))
        with os.scandir(folder) as entries:
            stats = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
        self.assertEqual(names, stats.keys())
        self.assertEqual({1}, {status.st_nlink for status in stats.values()})
        lister.stop()
        volume.remount()
        with os.scandir(folder) as entries:
            self.assertEqual(names, {entry.name for entry in entries if entry.stat(follow_symlinks=False)})

        lister = Lister(folder, stay)
        lister.start()
        self.addCleanup(lister.stopped.set)
        in_threads(lambda number: os.unlink(path(number)), ENTRIES)
        lister.stop()
        self.assertEqual(stay, set(os.listdir(folder)))
        for name in stay:
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
        self.assertEqual([], os.listdir(volume.path()))
        volume.unmount()
        volume.must_be_clean()
        self.assertEqual({"enfold.dir", "enfold.lock", "enfold.volume"}, set(os.listdir(volume.lower)))


class ManyInodes(harness.MountedTest):
    """A mount keeps no descriptor for an inode: so few descriptors do for many files."""

    def limit_descriptors(self):
        limited = os.path.join(self.place.path, "limited")
        with open(limited, "w") as script:
            script.write(f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec "{self.place.program}" "$@"\n')
        os.chmod(limited, 0o755)
        self.place.program = limited

    def memory(self, volume):
        with open(f"/proc/{volume.daemon}/status") as status:
            return {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmRSS", "VmHWM"))}

    def descriptors(self, volume):
        return len(os.listdir(f"/proc/{volume.daemon}/fd"))

    def test_many_files_are_seen_by_a_process_of_few_descriptors(self):
        # 512 descriptors of directories once were kept whatever the limit: with 256, all calls gave EMFILE.
        self.limit_descriptors()
        lower = self.place.filesystem("tmpfs", 20_000 if harness.IS_LONG else 400)
        self.place.must("mount", "-o", "remount,nr_inodes=0", lower)
        volume = self.new_volume(lower=lower + "/lower")
        with open(f"/proc/{volume.daemon}/limits") as limits:
            line = next(line for line in limits if line.startswith("Max open files"))
        self.assertEqual([str(DESCRIPTORS)] * 2, line.split()[3:5])
        before = self.memory(volume)

        folders = FILES // 20
        in_threads(lambda number: os.mkdir(volume.path(f"d{number}")), folders)
        in_threads(lambda number: self.make(volume.path(f"d{number % folders}/{number}"), number), FILES)
        volume.remount()
        in_threads(lambda number: self.assertEqual(2, os.lstat(volume.path(f"d{number % folders}/{number}")).st_size),
                   FILES)
        after = self.memory(volume)
        per_file = (after["VmRSS"] - before["VmRSS"]) * 1024 / (FILES + folders)
        print(f"{FILES} files in {folders} directories: {after} KiB, {per_file:.0f} bytes each, "
              f"{self.descriptors(volume)} descriptors", flush=True)
        self.assertLess(self.descriptors(volume), DESCRIPTORS)
        self.assertLess(per_file, 2000 if harness.IS_LONG else 8000)
        in_threads(lambda number: self.read(volume.path(f"d{number % folders}/{number}"), number), FILES)
        in_threads(lambda number: os.unlink(volume.path(f"d{number % folders}/{number}")), FILES)
        in_threads(lambda number: os.rmdir(volume.path(f"d{number}")), folders)
        self.assertEqual([], os.listdir(volume.path()))

    def make(self, path, number):
        with open(path, "wb") as file:
            file.write(number.to_bytes(4, "little")[:2])

    def read(self, path, number):
        with open(path, "rb") as file:
            self.assertEqual(number.to_bytes(4, "little")[:2], file.read())

    def test_more_files_open_at_once_than_descriptors_gives_an_error_and_no_damage(self):
        self.limit_descriptors()
        volume = self.new_volume()
        with open(volume.path("kept"), "wb") as file:
            file.write(b"kept")
        opened = []
        try:
            with self.assertRaises(OSError) as raised:
                for number in range(DESCRIPTORS + 100):
                    opened.append(open(volume.path(str(number)), "wb", buffering=0))
                    opened[-1].write(b"content")
            self.assertIn(raised.exception.errno, (errno.EMFILE, errno.ENFILE))
        finally:
            for file in opened:
                file.close()
        volume.remount()
        for number, _ in enumerate(opened[:-1]):
            with open(volume.path(str(number)), "rb") as file:
                self.assertEqual(b"content", file.read(), str(number))
        with open(volume.path("kept"), "rb") as file:
            self.assertEqual(b"kept", file.read())
        volume.unmount()
        volume.must_be_clean()


class HugeLengths(harness.MountedTest):
    """What takes time or space in proportion to the length would not end here."""

    def used(self, folder):
        facts = os.statvfs(folder)
        return (facts.f_blocks - facts.f_bfree) * facts.f_frsize

    def round_trip(self, kind):
        folder = self.place.filesystem(kind, 400)
        volume = self.new_volume(lower=folder + "/lower")
        path = volume.path("huge")
        used = self.used(folder)
        pieces = {0: b"first", PIB // 3 + 17: b"third", PIB - 4: b"last"}
        with open(path, "wb", buffering=0) as file:
            file.truncate(PIB)
            for position, piece in pieces.items():
                os.pwrite(file.fileno(), piece, position)
        volume.remount()
        self.assertEqual(PIB, os.path.getsize(path))
        with open(path, "r+b", buffering=0) as file:
            for position, piece in pieces.items():
                self.assertEqual(b"\0" * min(position, 9000) + piece,
                                 os.pread(file.fileno(), min(position, 9000) + len(piece), max(0, position - 9000)))
            for _ in range(300):
                file.truncate(self.random.randrange(PIB))
                file.truncate(PIB)
            file.truncate(PIB // 4)
            file.truncate(PIB + 1)
            os.pwrite(file.fileno(), b"end", PIB)
        volume.remount()
        with open(path, "rb", buffering=0) as file:
            self.assertEqual(b"\0" * 8000 + b"end", os.pread(file.fileno(), 9000, PIB - 8000))
            self.assertEqual(bytes(10_000), os.pread(file.fileno(), 10_000, PIB // 3))
        self.assertLess(self.used(folder) - used, 4 << 20)
        self.assertLess(os.stat(path).st_blocks, 1000)
        volume.unmount()
        volume.must_be_clean()  # which once read every sector of the holes

    def test_a_pebibyte_over_tmpfs(self):
        self.round_trip("tmpfs")

    def test_a_pebibyte_over_xfs(self):
        self.round_trip("xfs")

    def test_lengths_that_the_lower_filesystem_cannot_have_are_refused_and_change_nothing(self):
        # ext4 ends at 16 TiB (a disk below 512 MiB would have smaller blocks and end earlier).
        volume = self.new_volume(lower=self.place.filesystem("ext4", 600) + "/lower")
        path = volume.path("file")
        with open(path, "wb", buffering=0) as file:
            file.write(b"content")
            for length in (PIB, 1 << 44, (1 << 63) - 1):
                self.assert_raises_errno(errno.EFBIG, file.truncate, length)
                self.assert_raises_errno(errno.EFBIG, os.pwrite, file.fileno(), b"x", length - 1)
            self.assertEqual(7, os.fstat(file.fileno()).st_size)
            file.truncate(15 << 40)
            os.pwrite(file.fileno(), b"far", (15 << 40) + 1)
        volume.remount()
        self.assertEqual((15 << 40) + 4, os.path.getsize(path))
        with open(path, "rb", buffering=0) as file:
            self.assertEqual(b"content\0\0", file.read(9))
            self.assertEqual(b"\0far", os.pread(file.fileno(), 100, 15 << 40))


if __name__ == "__main__":
    harness.main(needs_root=True)
