"""enfold-kmsd as a program, and what its tests share."""

import os
import re
import signal
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "aws")]

import harness  # noqa: E402
from unix_client import ServiceError, UnixConnection  # noqa: E402

USAGE, FULL, MISSING, EXISTS, BUSY, STORE_MISSING, STORE_TAMPERED, WRONG_ROOT_KEY, UNAVAILABLE = 2, 11, 13, 14, 15, 30, 31, 32, 53

LISTENING = re.compile(r"\[info\] listening on (\S+)\n")


PING = (b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Enfold.Ping\r\nContent-Type: application/x-amz-json-1.1\r\n"
        b"Content-Length: 2\r\n\r\n{}")


class Kmsd:
    """One run of the program, which has said READY=1 when this is made."""

    def __init__(self, place, *options, program=(), ready=True, **more):
        self.place = place
        self.log = os.path.join(place.path, f"log-{len(os.listdir(place.path))}")
        self.notified = b""
        path = self.log + ".notify"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        os.chmod(path, 0o777)  # the daemon may be another user's
        self.notify.settimeout(0.1)
        environment = place.environment | {"NOTIFY_SOCKET": path} | more.pop("environment", {})
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*program, os.environ["ENFOLD_KMSD"], *options], env=environment,
                                            stdout=log, stderr=log, **more)
        place.adopt(self.process.pid)
        while ready and b"READY=1" not in self.hear():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.text()}")

    def hear(self):
        try:
            self.notified += self.notify.recv(4096)
        except TimeoutError:
            pass
        return self.notified

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def listeners(self):
        return LISTENING.findall(self.text())

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def end(self):
        """Its exit code, when it has ended."""
        code = self.process.wait()
        self.hear()
        return code

    def stop(self):
        self.signal()
        return self.end()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()


def ask(path, target, **request):
    connection = UnixConnection(path)
    try:
        return connection.ask(target, request)
    finally:
        connection.close()


class KmsdTest(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.data = os.path.join(self.place.path, "data")
        self.socket = os.path.join(self.place.path, "kms.sock")

    def start(self, *options, data=None, listen=None, **more):
        listen = [f"unix:{self.socket}"] if listen is None else listen
        arguments = [argument for address in listen for argument in ("--listen", address)]
        kmsd = Kmsd(self.place, "--data", data or self.data, *arguments, *options, **more)
        self.addCleanup(kmsd.close)
        return kmsd

    def make_known(self):
        ask(self.socket, "Enfold.AddPrincipal", Account="000000000000", Name="tester", UnixIds=[os.geteuid()])

    def refused(self, code, words, *options, **more):
        """It ends with this code, and its last line has these words."""
        kmsd = self.start(*options, ready=False, **more)
        self.assertEqual(kmsd.end(), code, kmsd.text())
        self.assertRegex(kmsd.text().splitlines()[-1], words)
        self.assertNotIn(b"READY", kmsd.notified)
        return kmsd.text()
