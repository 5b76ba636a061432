"""Contents of files as POSIX says: creating, appending, truncating, holes, unlinking while open."""

import errno
import mmap
import os

import harness
import trees


class Files(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()

    def write(self, name, content):
        with open(self.volume.path(name), "wb") as file:
            file.write(content)
        return self.volume.path(name)

    def assert_after_remount(self, models):
        """models: {name: content}. Nothing else lies in the volume."""
        self.volume.remount()
        self.assertEqual(sorted(models), sorted(os.listdir(self.volume.path())))
        for name, content in models.items():
            self.assertEqual(len(content), os.stat(self.volume.path(name)).st_size, name)
            with open(self.volume.path(name), "rb") as file:
                self.assertTrue(file.read() == content, f"{name} has other bytes than were written")
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_exclusive_creation_and_truncating_open(self):
        path = self.write("file", b"first")
        self.assert_raises_errno(errno.EEXIST, os.open, path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        self.assert_raises_errno(errno.ENOENT, os.open, self.volume.path("none"), os.O_WRONLY)
        os.close(os.open(self.volume.path("read-only-mode"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444))
        self.write("file", b"2nd")
        self.assert_after_remount({"file": b"2nd", "read-only-mode": b""})

    def test_appends_of_two_descriptors_follow_each_other(self):
        path = self.volume.path("log")
        handles = [os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND) for _ in range(2)]
        model = b""
        for _ in range(400):
            piece = self.random.randbytes(self.random.randint(1, 700))
            os.write(self.random.choice(handles), piece)
            model += piece
        for handle in handles:
            os.close(handle)
        self.assert_after_remount({"log": model})

    def test_direct_io_and_cached_io_see_each_other(self):
        model = bytearray(self.random.randbytes(300_000))
        path = self.write("file", model)
        direct = os.open(path, os.O_RDWR | os.O_DIRECT)
        cached = os.open(path, os.O_RDWR)
        buffer = mmap.mmap(-1, 8192)  # O_DIRECT wants aligned memory
        for _ in range(200):
            page = self.random.randrange(0, 70) * 4096
            buffer[:] = self.random.randbytes(8192)
            os.pwrite(self.random.choice([direct, cached]), buffer, page)
            model[page:page + 8192] = buffer[:]
            self.assertEqual(8192, os.preadv(self.random.choice([direct, cached]), [buffer], page))
            self.assertTrue(buffer[:] == model[page:page + 8192])
        os.close(direct)
        os.close(cached)
        self.assert_after_remount({"file": bytes(model)})

    def test_truncation_at_every_edge_from_every_edge(self):
        models = {}
        edges = [0, 1, 4063, 4064, 4065, 8127, 8128, 8129, 16255, 16256, 16257, 131_072]
        for old in edges:
            for new in edges:
                name = f"{old}-{new}"
                content = self.random.randbytes(old)
                path = self.write(name, content)
                if self.random.random() < 0.5:
                    os.truncate(path, new)
                else:
                    with open(path, "r+b", buffering=0) as file:
                        file.truncate(new)
                self.assertEqual(new, os.stat(path).st_size)
                models[name] = content[:new].ljust(new, b"\0")
                if self.random.random() < 0.3:
                    with open(path, "ab") as file:
                        file.write(b"more")
                    models[name] += b"more"
        self.assert_after_remount(models)

    def test_growth_after_shrinking_shows_zeros_and_nothing_old(self):
        models = {}
        for cut in trees.EDGES:
            path = self.write(f"cut-{cut}", b"\xff" * 140_000)
            os.truncate(path, cut)
            os.truncate(path, 140_000)
            models[f"cut-{cut}"] = b"\xff" * cut + b"\0" * (140_000 - cut)
        self.assert_after_remount(models)

    def test_writes_of_every_length_at_every_edge(self):
        model = bytearray(self.random.randbytes(40_000))
        path = self.write("file", model)
        with open(path, "r+b", buffering=0) as file:
            for edge in (0, 4064, 8128, 12192, 39_990):
                for before in (0, 1, 2, 4064):
                    for length in (1, 2, 4063, 4064, 4065, 8128, 8129):
                        start = max(0, edge - before)
                        piece = self.random.randbytes(length)
                        file.seek(start)
                        file.write(piece)
                        model[start:start + length] = piece
        self.assert_after_remount({"file": bytes(model)})

    def test_holes_read_as_zeros_and_take_no_space(self):
        huge = 5 << 30
        path = self.volume.path("sparse")
        pieces = {0: b"front", 4064 * 7 - 3: b"across an edge", 1 << 30: b"far", huge - 4: b"last"}
        with open(path, "wb", buffering=0) as file:
            for start, piece in sorted(pieces.items(), key=lambda item: self.random.random()):
                file.seek(start)
                file.write(piece)
        self.volume.remount()
        self.assertEqual(huge, os.stat(path).st_size)
        self.assertLess(os.stat(path).st_blocks * 512, 1 << 20)
        with open(path, "rb", buffering=0) as file:
            for start, piece in pieces.items():
                around = os.pread(file.fileno(), 20_000, max(0, start - 9000))
                expected = bytearray(len(around))
                for other, content in pieces.items():
                    at = other - max(0, start - 9000)
                    if 0 <= at < len(around):
                        expected[at:at + len(content)] = content
                self.assertTrue(around == expected, f"around {start}")

    def test_cp_keeps_sparse_files_equal(self):
        path = self.volume.path("sparse")
        with open(path, "wb") as file:
            for _ in range(20):
                file.seek(self.random.randint(1, 100_000), os.SEEK_CUR)  # a hole
                file.write(self.random.randbytes(self.random.randint(1, 20_000)))
        with open(path, "rb") as file:
            models = {"sparse": file.read()}
        for how in ("always", "auto", "never"):
            self.place.must("cp", f"--sparse={how}", path, self.volume.path(how))
            models[how] = models["sparse"]
        self.assert_after_remount(models)

    def test_an_unlinked_file_lives_until_its_last_descriptor(self):
        path = self.write("gone", b"before")
        with open(path, "r+b", buffering=0) as file:
            os.unlink(path)
            self.assertEqual(0, os.fstat(file.fileno()).st_nlink)
            file.seek(0)
            file.write(b"after unlink" * 1000)
            file.truncate(5000)
            os.fsync(file.fileno())
            self.assertTrue(os.pread(file.fileno(), 9000, 0) == (b"after unlink" * 1000)[:5000])
            self.write("gone", b"a new one")
            self.assertEqual(b"after", os.pread(file.fileno(), 5, 0))
        self.assert_after_remount({"gone": b"a new one"})

    def test_a_file_renamed_over_stays_readable_where_it_is_open(self):
        old, new = self.write("old", b"old content"), self.write("new", b"new content")
        with open(old, "rb", buffering=0) as file:
            os.rename(new, old)
            self.assertEqual(b"old content", file.read())
        self.assert_after_remount({"old": b"new content"})

    def test_truncation_by_path_beside_an_open_descriptor(self):
        path = self.write("file", b"x" * 20_000)
        with open(path, "r+b", buffering=0) as file:
            os.truncate(path, 3000)
            os.pwrite(file.fileno(), b"tail", 9000)
            os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
            os.pwrite(file.fileno(), b"end", 5000)
        self.assert_after_remount({"file": b"\0" * 5000 + b"end"})

    def test_random_operations_agree_with_a_model(self):
        model = bytearray()
        path = self.volume.path("file")
        for _ in range(600):
            with open(path, "r+b" if os.path.exists(path) else "w+b", buffering=0) as file:
                for _ in range(self.random.randint(1, 4)):
                    self._random_operation(file, model)
        self.assert_after_remount({"file": bytes(model)})

    def _random_operation(self, file, model):
        start = self.random.randint(0, 60_000)
        length = trees.random_length(self.random)
        kind = self.random.random()
        if kind < 0.5:
            piece = self.random.randbytes(length)
            os.pwrite(file.fileno(), piece, start)
            if piece:
                model.extend(b"\0" * (start - len(model)))
                model[start:start + length] = piece
        elif kind < 0.8:
            self.assertTrue(os.pread(file.fileno(), length, start) == model[start:start + length])
        elif kind < 0.9:
            file.truncate(start)
            del model[start:]
            model.extend(b"\0" * (start - len(model)))
        else:
            os.fsync(file.fileno())


if __name__ == "__main__":
    harness.main()
