"""enfold-kmsd for a test: started, made known to this user, stopped, started again."""

import json
import os
import signal
import socket
import subprocess
import time

PATIENCE_S = 120


class KmsDaemon:
    """One daemon over one store, on a Unix socket and a port of this machine."""

    def __init__(self, place, name="kmsd"):
        self.place = place
        self.program = os.environ["ENFOLD_KMSD"]
        self.data = os.path.join(place.path, f"{name}.data")
        self.socket = os.path.join(place.path, f"{name}.sock")
        self.url = f"unix:{self.socket}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.http = f"http://127.0.0.1:{self.port}"
        self.log = os.path.join(place.path, f"{name}.log")
        self.process = None
        self.opened_by = []  # no secret of its user's

    def start(self):
        with open(self.log, "ab") as log:
            self.process = self.place.start(self.program, "--data", self.data, "--listen", self.url, "--listen", self.http,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.socket)
                    return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    with open(self.log, encoding="utf-8", errors="replace") as file:
                        raise AssertionError(f"the daemon does not answer: {file.read()}") from None
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self._ended(0)

    def kill(self):
        self.process.kill()
        self._ended(-signal.SIGKILL)

    def close(self):
        """Whatever became of it."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _ended(self, expected):
        code = self.process.wait()
        if code != expected:
            raise AssertionError(f"the daemon ended with {code}, not {expected}")

    def pause(self):
        """It is there and does nothing, all its threads."""
        os.kill(self.process.pid, signal.SIGSTOP)
        while not all(state == b"T" for state in self._states()):
            time.sleep(0.01)

    def _states(self):
        tasks = f"/proc/{self.process.pid}/task"
        for thread in os.listdir(tasks):
            with open(f"{tasks}/{thread}/stat", "rb") as file:
                yield file.read().rpartition(b")")[2].split()[0]

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def enfold(self, *arguments):
        """A command's JSON."""
        return json.loads(self.place.must(self.place.program, *arguments, "--kms", self.url, "--json"))

    def let_me_in(self, name="me"):
        """This user may use it from here on."""
        return self.enfold("principal", "add", name, "--unix-user", str(os.geteuid()))

    def new_key(self):
        return self.enfold("key", "create")["arn"]

    def retire(self):
        """Nothing needs it any more."""
        self.stop()
