"""enfold-kmsd for a test: started, administered over its Unix socket, stopped, killed, started again."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

# What another machine's user has set up must not reach the clients under test.
for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
               "AWS_EC2_METADATA_DISABLED": "true"}

import harness  # noqa: E402
from clients import Boto, Credentials, Js, JsServer  # noqa: E402
from unix_client import ServiceError, UnixConnection  # noqa: E402

ACCOUNT = "111122223333"
REGION = "eu-central-1"


def bytes_of(text):
    return base64.b64decode(text, validate=True)


def text_of(content):
    return base64.b64encode(content).decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """One daemon over one store. `program` may be another that takes the same arguments."""

    def __init__(self, place, name="kmsd", program=None, region="local"):
        self.place, self.region = place, region
        self.program = program or os.environ["ENFOLD_KMSD"]
        self.data = os.path.join(place.path, f"{name}.data")
        self.socket = os.path.join(place.path, f"{name}.sock")
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = os.path.join(place.path, f"{name}.log")
        self.process = None

    def start(self, *options, **environment):
        """Returns when the daemon says that it is ready, as it says it to systemd."""
        ready = f"{self.socket}.ready"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(ready)
            try:
                self._spawn(options, {"NOTIFY_SOCKET": ready} | environment)
                self._await_ready(listener)
            finally:
                os.unlink(ready)
        return self

    def start_and_kill(self, after_s):
        self._spawn([], {})
        time.sleep(after_s)
        self.kill()

    def _spawn(self, options, environment):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--data", self.data, "--listen", f"unix:{self.socket}", "--listen", self.endpoint,
                 "--region", self.region, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.place.environment | environment)
        self.place.adopt(self.process.pid)

    def _await_ready(self, listener):
        listener.settimeout(0.2)
        while True:
            try:
                if b"READY=1" in listener.recv(4096):
                    return
            except TimeoutError:
                if self.process.poll() is not None:
                    raise AssertionError(
                        f"the daemon ended with {self.process.returncode}: {self.log_text()}") from None

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        """As systemd does; the daemon drains and ends without an error."""
        self.process.terminate()
        self._ended(0)

    def kill(self):
        self.process.kill()
        self._ended(-signal.SIGKILL)

    def _ended(self, expected):
        code = self.process.wait()
        if code != expected:
            raise AssertionError(f"the daemon ended with {code}, not {expected}: {self.log_text()}")

    def restart(self, *options, **environment):
        self.stop()
        return self.start(*options, **environment)

    def unix(self):
        return UnixConnection(self.socket)

    def admin(self, operation, **request):
        connection = self.unix()
        try:
            return connection.ask(f"Enfold.{operation}", request)
        finally:
            connection.close()

    def new_principal(self, name="tester", account=ACCOUNT, unix_ids=()):
        """A principal with an access key; its Credentials."""
        self.admin("AddPrincipal", Account=account, Name=name, UnixIds=list(unix_ids))
        return self.new_access_key(name, account)

    def new_access_key(self, name="tester", account=ACCOUNT):
        made = self.admin("CreateAccessKey", Account=account, Name=name)
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


class KmsdTest(harness.MountedTest):
    """A test with a running daemon, and one principal in it."""

    region = REGION

    def setUp(self):
        super().setUp()
        self.daemon = self.new_daemon()
        self.addCleanup(self.stop_daemon)
        self.credentials = self.daemon.new_principal()
        self._js_server = None

    def new_daemon(self):
        return Daemon(self.place).start()

    def stop_daemon(self):
        """At the end of every test: it still runs, and ends as it should."""
        if self.daemon.process.poll() is None or self.daemon.process.returncode != -signal.SIGKILL:
            self.daemon.stop()

    def boto(self, region=REGION, credentials=None, **config):
        client = Boto(self.daemon.endpoint, region, credentials or self.credentials, **config)
        self.addCleanup(client.client.close)
        return client

    def js(self, region=REGION, credentials=None, clock_offset_s=0):
        if self._js_server is None:
            self._js_server = JsServer(self.place)
            self.addCleanup(self._js_server.close)
        return Js(self._js_server, self.daemon.endpoint, region, credentials or self.credentials, clock_offset_s)

    def both(self):
        """The clients that most tests are run with, one after the other."""
        return [self.boto(), self.js()]

    def new_key(self, client, **parameters):
        return client.call("CreateKey", **parameters)["KeyMetadata"]

    def refused(self, code, message, client, operation, **parameters):
        """Asserts the refusal: its class, HTTP status 400 and message (None: there is none)."""
        with self.assertRaises(ServiceError) as raised:
            client.call(operation, **parameters)
        self.assert_error(raised.exception, code, message)
        return raised.exception

    def assert_error(self, error, code, message, status=400):
        # What SDKs make of an error body without a message.
        heard = None if error.message in ("", "Unknown", "UnknownError") else error.message
        self.assertEqual((error.code, error.status, heard), (code, status, message))
        self.assertRegex(error.request_id or "", "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")


main = harness.main
