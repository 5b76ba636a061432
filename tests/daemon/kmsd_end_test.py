"""How the daemon ends, and sockets that outlive it."""

import os
import signal
import socket
import time

from kmsd import PING, USAGE, Kmsd, KmsdTest, ServiceError, UnixConnection, ask, harness


class Ending(KmsdTest):
    HALF, REST = PING[:60], PING[60:]

    def half_a_request(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.connect(self.socket)
        connection.sendall(self.HALF)
        return connection

    def test_either_signal_answers_what_has_begun_and_no_more(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            kmsd = self.start()
            self.make_known() if number == signal.SIGTERM else None
            idle = UnixConnection(self.socket)
            idle.ask("Enfold.Ping", {})
            half = self.half_a_request()
            kmsd.signal(number)
            self.assertEqual(idle.sock.recv(1), b"")
            with self.assertRaises(OSError):
                ask(self.socket, "Enfold.Ping")
            half.sendall(self.REST)
            answer = b"".join(iter(lambda: half.recv(4096), b""))
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            self.assertEqual(kmsd.end(), 0)
            idle.close()

    def test_a_second_signal_does_not_wait(self):
        kmsd = self.start()
        idle = socket.socket(socket.AF_UNIX)
        self.addCleanup(idle.close)
        idle.connect(self.socket)
        self.half_a_request()
        kmsd.signal()
        self.assertEqual(idle.recv(1), b"")  # so it has the first
        kmsd.signal()
        self.assertEqual(kmsd.end(), -signal.SIGTERM)

    def test_one_that_waits_for_its_passphrase_ends(self):
        # It had taken the signals over before it looked at them.
        pipe = os.path.join(self.place.path, "passphrase")
        os.mkfifo(pipe)
        for number in (signal.SIGTERM, signal.SIGINT):
            kmsd = self.start("--root-key", "passphrase", "--passphrase-file", pipe, ready=False)
            writing = os.open(pipe, os.O_WRONLY)  # returns when the daemon reads there
            kmsd.signal(number)
            self.assertEqual(kmsd.end(), -number)
            os.close(writing)

    def test_who_never_ends_is_cut(self):
        kmsd = self.start()
        half = self.half_a_request()
        self.assertEqual(kmsd.stop(), 0)
        self.assertIn("were cut", kmsd.text())
        half.close()


class Activation(KmsdTest):
    """Sockets from a service manager."""

    # What a service manager does between fork and exec.
    WITH_FDS = ("sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh")

    def passed(self, *listeners, count=None, **more):
        """A daemon that gets these from descriptor 3 on."""
        def place_descriptors():
            for number, listener in enumerate(listeners, 3):
                os.dup2(listener, number)

        kept = [os.dup2(listener.fileno(), 50 + i) for i, listener in enumerate(listeners)]
        listeners = kept
        environment = {"LISTEN_FDS": str(len(kept) if count is None else count)}
        try:
            return self.start(listen=[], program=self.WITH_FDS, environment=environment, close_fds=False,
                              preexec_fn=place_descriptors, **more)
        finally:
            for descriptor in kept:
                os.close(descriptor)

    def listening(self, family, address):
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind(address)
        listener.listen()
        return listener

    def test_serves_what_it_was_given_and_leaves_it(self):
        unix = self.listening(socket.AF_UNIX, self.socket)
        tcp = self.listening(socket.AF_INET, ("127.0.0.1", 0))
        with socket.socket(socket.AF_UNIX) as early:
            early.connect(self.socket)
            early.sendall(PING)
            kmsd = self.passed(unix, tcp)
            self.assertTrue(early.recv(4096).startswith(b"HTTP/1.1 "))
        self.assertEqual(kmsd.listeners(), [f"unix:{self.socket}", f"http://127.0.0.1:{tcp.getsockname()[1]}"])
        self.make_known()
        self.assertEqual(kmsd.stop(), 0)

        # Nobody who connects meanwhile is turned away: the next one serves them.
        with socket.socket(socket.AF_UNIX) as between:
            between.connect(self.socket)
            between.sendall(PING)
            kmsd = self.passed(unix)
            self.assertTrue(between.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(kmsd.stop(), 0)

    def test_refuses_what_it_must_not_serve(self):
        world = self.listening(socket.AF_INET, ("0.0.0.0", 0))
        kmsd = self.passed(world, ready=False)
        self.assertEqual(kmsd.end(), USAGE)
        self.assertIn("loopback", kmsd.text())
        kmsd = self.passed(world, count="many", ready=False)
        self.assertEqual(kmsd.end(), USAGE)

    def test_variables_for_another_process_are_not_its_own(self):
        kmsd = self.start(environment={"LISTEN_FDS": "3", "LISTEN_PID": str(os.getpid())})
        self.assertEqual(kmsd.listeners(), [f"unix:{self.socket}"])
        self.assertEqual(kmsd.stop(), 0)

    def test_systemds_own_activator(self):
        activator = Kmsd(self.place, "--data", self.data, ready=False,
                         program=("systemd-socket-activate", f"--listen={self.socket}", "-E", "NOTIFY_SOCKET"))
        self.addCleanup(activator.close)
        while not os.path.exists(self.socket):
            self.assertIsNone(activator.process.poll(), activator.text())
            time.sleep(0.01)
        while True:
            try:
                ask(self.socket, "Enfold.Ping")
                break
            except ConnectionRefusedError:  # bound, and not yet listening
                time.sleep(0.01)
            except ServiceError as error:
                self.assertEqual(error.code, "AccessDeniedException")
                break
        self.assertEqual(activator.stop(), 0)


if __name__ == "__main__":
    harness.main(needs_root=True)
