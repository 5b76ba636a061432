"""SQLite in WAL mode, its writer killed in the middle of its work."""

import os
import signal
import sqlite3
import sys
import threading

import harness

ROW_BYTES = 700


def row(number):
    return (number.to_bytes(4, "little") * ROW_BYTES)[:ROW_BYTES]


def write_for_ever(path, batch):
    """Commits batches of rows and says each commit on standard output."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA wal_autocheckpoint=50")
    database.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, content BLOB)")
    number = database.execute("SELECT coalesce(max(number) + 1, 0) FROM rows").fetchone()[0]
    while True:
        with database:
            database.executemany("INSERT INTO rows VALUES (?, ?)", [(n, row(n)) for n in range(number, number + batch)])
        number += batch
        print(number, flush=True)


class Sqlite(harness.MountedTest):
    def run_and_kill_a_writer(self, path, commits):
        """The number of rows whose commit it reported before it was killed."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            sys.stdout = os.fdopen(1, "w")
            try:
                write_for_ever(path, self.random.randint(3, 40))
            finally:
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            killer = threading.Timer(0.002, os.kill, (child, signal.SIGKILL))
            last = 0
            for count, line in enumerate(pipe):
                last = int(line)
                if count == commits:
                    killer.start()  # a little later than a commit, so that it dies at any point of its work
        os.waitpid(child, 0)
        self.assertTrue(killer.ident, "the writer ended before it was killed")
        return last

    def assert_holds(self, path, committed):
        database = sqlite3.connect(path)
        self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall())
        rows = database.execute("SELECT number, content FROM rows ORDER BY number").fetchall()
        database.close()
        self.assertGreaterEqual(len(rows), committed)
        self.assertEqual([(number, row(number)) for number in range(len(rows))], rows)

    def test_a_killed_writer_loses_no_commit(self):
        volume = self.new_volume()
        path = volume.path("data.sqlite")
        for turn in range(6):
            committed = self.run_and_kill_a_writer(path, self.random.randint(5, 60))
            if turn % 2:
                volume.remount()  # with the WAL still beside the database
            self.assert_holds(path, committed)
        volume.remount()
        self.assert_holds(path, committed)
        volume.unmount()
        volume.must_be_clean()

    def test_two_processes_share_a_database(self):
        volume = self.new_volume()
        path = volume.path("shared.sqlite")
        self.place.must("sqlite3", path, "PRAGMA journal_mode=WAL; CREATE TABLE counts (n INTEGER); "
                        "INSERT INTO counts VALUES (0)")
        script = "UPDATE counts SET n = n + 1;" * 100
        writers = [self.place.start("sqlite3", "-cmd", ".timeout 600000", path, script) for _ in range(2)]
        self.assertEqual([0, 0], [writer.wait() for writer in writers])
        volume.remount()
        self.assertEqual("200\n", self.place.must("sqlite3", path, "SELECT n FROM counts"))


if __name__ == "__main__":
    harness.main()
