"""Many threads write and read parts of the same files, which share sectors, and are compared with a model."""

import os
import threading

import harness

THREADS = 8
FILES = 3
PART_BYTES = 50_021  # no multiple of a sector or page: neighbours share sectors
TURNS = 400


class Worker(threading.Thread):
    """Owns one part of each file, and expects to read there what it wrote last."""

    def __init__(self, paths, number, seed):
        super().__init__()
        self.paths = paths
        self.begin = number * PART_BYTES
        self.random = harness.random.Random(seed)
        self.models = [bytearray(PART_BYTES) for _ in paths]
        self.error = None

    def run(self):
        try:
            files = [os.open(path, os.O_RDWR) for path in self.paths]
            for _ in range(TURNS):
                self._turn(files)
            for file in files:
                os.close(file)
        except BaseException as error:  # the test shows it
            self.error = error

    def _turn(self, files):
        number = self.random.randrange(len(files))
        file, model = files[number], self.models[number]
        start = self.random.randrange(PART_BYTES)
        length = min(self.random.choice([1, 100, 4064, 4096, 20_000]), PART_BYTES - start)
        kind = self.random.random()
        if kind < 0.5:
            piece = self.random.randbytes(length)
            if os.pwrite(file, piece, self.begin + start) != length:
                raise AssertionError("a write was cut short")
            model[start:start + length] = piece
        elif kind < 0.9:
            if kind < 0.6:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            if os.pread(file, length, self.begin + start) != model[start:start + length]:
                raise AssertionError(f"other bytes at {self.begin + start}, length {length}")
        elif kind < 0.95:
            os.fsync(file)
        else:
            os.close(file)
            files[number] = os.open(self.paths[number], os.O_RDWR)


class Churner(threading.Thread):
    """Creates, renames, lists and removes files of its own in a directory that all share."""

    def __init__(self, folder, number, seed):
        super().__init__()
        self.folder, self.number = folder, number
        self.random = harness.random.Random(seed)
        self.model = {}
        self.error = None

    def run(self):
        try:
            for turn in range(TURNS):
                self._turn(turn)
        except BaseException as error:  # the test shows it
            self.error = error

    def _turn(self, turn):
        kind = self.random.random()
        if kind < 0.5 or not self.model:
            name = f"{self.number}-{turn}"
            self.model[name] = self.random.randbytes(self.random.choice([0, 1, 4064, 9000]))
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(self.model[name])
            return
        name = self.random.choice(list(self.model))
        path = os.path.join(self.folder, name)
        if kind < 0.65:
            new = f"{self.number}-{turn}-" + "r" * self.random.choice([1, 200])
            os.rename(path, os.path.join(self.folder, new))
            self.model[new] = self.model.pop(name)
        elif kind < 0.8:
            os.unlink(path)
            del self.model[name]
        elif kind < 0.95:
            with open(path, "rb") as file:
                if file.read() != self.model[name]:
                    raise AssertionError(f"{name} has other bytes")
        elif not set(self.model) <= set(os.listdir(self.folder)):
            raise AssertionError("a file is not listed")


class ManyThreads(harness.MountedTest):
    def run_all(self, workers):
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual([None] * len(workers), [worker.error for worker in workers])

    def test_parts_of_shared_files(self):
        volume = self.new_volume()
        paths = [volume.path(f"file-{number}") for number in range(FILES)]
        for path in paths:
            with open(path, "wb") as file:
                file.truncate(THREADS * PART_BYTES)
        workers = [Worker(paths, number, self.random.random()) for number in range(THREADS)]
        self.run_all(workers)
        volume.remount()
        for number, path in enumerate(paths):
            with open(path, "rb") as file:
                self.assertTrue(file.read() == b"".join(worker.models[number] for worker in workers), path)
        volume.unmount()
        volume.must_be_clean()

    def test_files_of_a_shared_directory(self):
        volume = self.new_volume()
        os.mkdir(volume.path("shared"))
        workers = [Churner(volume.path("shared"), number, self.random.random()) for number in range(THREADS)]
        self.run_all(workers)
        volume.remount()
        expected = {name: content for worker in workers for name, content in worker.model.items()}
        self.assertEqual(sorted(expected), sorted(os.listdir(volume.path("shared"))))
        for name, content in expected.items():
            with open(volume.path("shared", name), "rb") as file:
                self.assertTrue(file.read() == content, name)
        volume.unmount()
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main()
