"""PostgreSQL with its data on the mount: pgbench by several clients, its processes killed, the mount's process killed.
Needs root, to run the server as another user. ENFOLD_LONG=1 runs for minutes."""

import contextlib
import glob
import os
import signal
import subprocess
import time

import harness

SCALE = 20 if harness.IS_LONG else 1
TRANSACTIONS = 10_000 if harness.IS_LONG else 250
CRASHES = 10 if harness.IS_LONG else 2
AS_NOBODY = {"user": harness.NOBODY, "group": harness.NOBODY, "extra_groups": []}

_CLONE_NEWIPC = 0x08000000

# What every pgbench transaction keeps equal.
INVARIANT = """SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)
  AND (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history)
  AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history)"""


def programs():
    """Debian has them outside of PATH, by version."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        raise RuntimeError("PostgreSQL is not installed (Debian's package postgresql)")
    return found[-1]


def descendants(process):
    """The processes that this one started, and theirs."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    found, last = {process}, 0
    while len(found) != last:
        last = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {process}


class Server:
    """A cluster in a folder, and the server on it while one runs."""

    def __init__(self, place, folder):
        self.place, self.folder = place, folder
        self.sockets = place.make("sockets")
        os.chown(self.sockets, harness.NOBODY, harness.NOBODY)
        self.process = None

    def run(self, program, *arguments):
        return self.place.run(os.path.join(programs(), program), *arguments, cwd=self.sockets, **AS_NOBODY)

    def must(self, program, *arguments):
        done = self.run(program, *arguments)
        if done.returncode != 0:
            raise AssertionError(f"{program} {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        settings = {"listen_addresses": "", "unix_socket_directories": self.sockets, "max_connections": "20",
                    "dynamic_shared_memory_type": "mmap", "log_min_messages": "warning", "autovacuum": "on",
                    "wal_level": "minimal", "max_wal_senders": "0", "checkpoint_timeout": "30s", "max_wal_size": "64MB"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen([os.path.join(programs(), "postgres"), "-D", self.folder, *options],
                                        env=self.place.environment, stdin=subprocess.DEVNULL, cwd=self.sockets,
                                        stderr=subprocess.DEVNULL, **AS_NOBODY)
        while self.run("pg_isready", "-h", self.sockets).returncode != 0:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}")
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        if self.process.wait() != 0:
            raise AssertionError(f"the server ended with {self.process.returncode}")
        self.process = None

    def kill(self):
        """All of its processes at once."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGSTOP)  # lest it starts others meanwhile
        started = descendants(self.process.pid)
        for process in started | {self.process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        self.process = None
        for process in started:  # which are this program's now
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, 0)

    def sql(self, *texts):
        commands = [part for text in texts for part in ("-c", text)]
        return self.must("psql", "-h", self.sockets, "-Atq", *commands, "postgres").strip()

    def dump(self):
        lines = self.must("pg_dump", "-h", self.sockets, "postgres").splitlines()
        return [line for line in lines if not line.startswith(("\\restrict ", "\\unrestrict "))]  # random ones

    def start_bench(self, *arguments):
        return subprocess.Popen([os.path.join(programs(), "pgbench"), "-h", self.sockets, "-n", *arguments, "postgres"],
                                env=self.place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, cwd=self.sockets, **AS_NOBODY)


class Postgres(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        os.chmod(self.volume.path(), 0o755)
        folder = self.volume.path("cluster")
        os.mkdir(folder, 0o700)
        os.chown(folder, harness.NOBODY, harness.NOBODY)
        self.server = Server(self.place, folder)
        self.addCleanup(self.server.kill)
        self.server.must("initdb", "-D", folder, "--data-checksums", "--locale=C", "--encoding=UTF8", "-A", "trust")
        self.server.start()
        self.server.must("pgbench", "-h", self.server.sockets, "-i", "-q", "-s", str(SCALE), "postgres")

    def bench(self, *arguments):
        seed = str(self.random.randrange(2**31))
        self.server.must("pgbench", "-h", self.server.sockets, "-n", "-c", "4", "-j", "2", "-t", str(TRANSACTIONS),
                         f"--random-seed={seed}", *arguments, "postgres")

    def assert_sound(self):
        self.assertEqual("t", self.server.sql(INVARIANT))
        self.server.must("pg_amcheck", "-h", self.server.sockets, "--install-missing", "--heapallindexed", "postgres")

    def assert_sound_when_stopped(self):
        self.server.must("pg_checksums", "--check", "-D", self.server.folder)

    def test_a_cluster_keeps_its_data_over_remounts(self):
        self.bench()
        self.bench("-M", "prepared")
        self.server.sql("CREATE TABLE big AS SELECT n, repeat(md5(n::text), 40) AS t FROM generate_series(1, 3000) n",
                        "CREATE INDEX ON big (t)", "DELETE FROM big WHERE n % 3 = 0", "VACUUM FULL big")
        dump = self.server.dump()
        self.server.stop()
        self.volume.remount()

        self.assert_sound_when_stopped()
        self.server.start()
        self.assertTrue(dump == self.server.dump(), "the dump after the remount differs")
        self.bench("-S")
        self.bench()
        self.assert_sound()
        self.server.sql("VACUUM FULL", "REINDEX DATABASE postgres")
        dump = self.server.dump()
        self.server.stop()
        self.volume.remount()
        self.server.start()
        self.assertTrue(dump == self.server.dump(), "the dump after the second remount differs")
        self.server.stop()
        self.volume.unmount()
        self.volume.must_be_clean()

    def crash_while_busy(self, crash):
        """The count of transactions that the server had answered before."""
        bench = self.server.start_bench("-c", "4", "-j", "2", "-T", "600",
                                        f"--random-seed={self.random.randrange(2**31)}")
        before = 0
        wanted = self.random.randint(50, 500)
        start = int(self.server.sql("SELECT count(*) FROM pgbench_history"))
        while before < start + wanted:
            before = int(self.server.sql("SELECT count(*) FROM pgbench_history"))
        crash()
        bench.kill()
        bench.wait()
        return before

    def test_a_killed_server_recovers_and_loses_no_commit(self):
        for turn in range(CRASHES):
            answered = self.crash_while_busy(self.server.kill)
            if turn % 2 == 0:
                self.volume.remount()
            self.server.start()
            self.assertGreaterEqual(int(self.server.sql("SELECT count(*) FROM pgbench_history")), answered)
            self.assert_sound()
        self.server.stop()
        self.assert_sound_when_stopped()
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_a_killed_mount_loses_no_commit(self):
        for _ in range(CRASHES):
            answered = self.crash_while_busy(self.kill_mount_and_server)
            self.place.must("umount", "-l", self.volume.mountpoint)
            self.volume.mount()
            self.server.start()
            self.assertGreaterEqual(int(self.server.sql("SELECT count(*) FROM pgbench_history")), answered)
            self.assert_sound()
        self.server.stop()
        self.assert_sound_when_stopped()
        self.volume.unmount()
        self.volume.must_be_clean()

    def kill_mount_and_server(self):
        self.volume.kill()
        self.server.kill()


if __name__ == "__main__":
    if os.geteuid() == 0:  # else main asks sudo first
        # Its own shared memory segments end with the test.
        harness.check_libc(harness.libc.unshare(_CLONE_NEWIPC), "unshare")
    harness.main(needs_root=True)
