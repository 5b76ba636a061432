"""How the daemon starts, whom it serves, and what it says when it cannot start."""

import os
import re
import signal
import socket
import stat
import threading

from kmsd import (BUSY, EXISTS, FULL, MISSING, STORE_MISSING, STORE_TAMPERED, UNAVAILABLE, USAGE, WRONG_ROOT_KEY, KmsdTest, PING, ServiceError,
                  UnixConnection, ask, harness)


class Starting(KmsdTest):
    def test_makes_a_store_that_is_its_own_and_serves_it(self):
        kmsd = self.start("--region", "home-1")
        self.assertEqual(kmsd.listeners(), [f"unix:{self.socket}"])
        self.assertIn(f"enfold key export-store FILE --kms embedded:{self.data}\n", kmsd.text())
        for path, mode in ((self.data, 0o700), (f"{self.data}/kms.db", 0o600), (f"{self.data}/root.key", 0o600),
                           (self.socket, 0o666)):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode, path)
        self.make_known()
        arn = ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["Arn"]
        self.assertTrue(arn.startswith("arn:aws:kms:home-1:000000000000:key/"), arn)

        self.assertEqual(kmsd.stop(), 0)
        self.assertIn(b"STOPPING=1", kmsd.notified)
        self.assertFalse(os.path.exists(self.socket))
        self.assertEqual(re.findall(r"\[(?:warning|error)\].*", kmsd.text()), [])

        self.start("--region", "home-1")
        self.assertEqual(ask(self.socket, "TrentService.ListKeys")["Keys"][0]["KeyArn"], arn)

    def test_keeps_what_it_holds_to_itself(self):
        kmsd = self.start()
        with open(f"/proc/{kmsd.process.pid}/limits") as limits:
            self.assertRegex(limits.read(), r"Max core file size +0 +0 ")
        with open(f"/proc/{kmsd.process.pid}/status") as status:
            self.assertIn("Umask:\t0077\n", status.read())
        self.make_known()
        key = ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["KeyId"]
        ask(self.socket, "TrentService.Encrypt", KeyId=key, Plaintext="c2VjcmV0IHBsYWludGV4dA==")
        made = ask(self.socket, "Enfold.CreateAccessKey", Account="000000000000", Name="tester")
        with self.assertRaises(ServiceError):
            ask(self.socket, "TrentService.Encrypt", KeyId=key, Plaintext="not base64 but a secret")
        kmsd.stop()
        for secret in ("c2VjcmV0", "secret", made["SecretAccessKey"]):
            self.assertNotIn(secret, kmsd.text())

    def test_standard_streams_that_are_closed_do_no_harm(self):
        """What it opened got their numbers, and its log was written there."""
        for streams in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
            closed = " ".join(f"{stream}>&-" for stream in streams)
            kmsd = self.start(program=("sh", "-c", f'exec "$@" {closed}', "sh"))
            for stream in streams:
                self.assertEqual("/dev/null", os.readlink(f"/proc/{kmsd.process.pid}/fd/{stream}"), streams)
            if streams == (0,):
                self.make_known()
            ask(self.socket, "TrentService.CreateKey")
            self.assertEqual(kmsd.stop(), 0, streams)
        self.start()
        self.assertEqual(len(ask(self.socket, "TrentService.ListKeys")["Keys"]), 7)

    def test_a_limit_of_descriptors_is_raised_and_where_it_cannot_be_it_does_not_start(self):
        """It listened and had no descriptor left to accept with."""
        kmsd = self.start(program=("sh", "-c", 'ulimit -Sn 14; exec "$@"', "sh"))
        ask(self.socket, "Enfold.Ping")
        self.assertEqual(kmsd.stop(), 0)
        text = self.refused(10, "limit is 14, raise it", program=("sh", "-c", 'ulimit -n 14; exec "$@"', "sh"))
        self.assertNotIn("listening", text)

    def test_listens_on_several_addresses(self):
        kmsd = self.start(listen=[f"unix:{self.socket}", f"unix:{self.socket}2", "http://127.0.0.1:0", "http://[::1]:0",
                                  "http://localhost:0"])
        addresses = kmsd.listeners()
        self.assertEqual(len(addresses), 6)
        self.assertEqual(addresses[:2], [f"unix:{self.socket}", f"unix:{self.socket}2"])
        # localhost is both, on one port.
        self.assertEqual(addresses[4].rsplit(":", 1)[1], addresses[5].rsplit(":", 1)[1])
        for address, host in zip(addresses[2:], ("127.0.0.1", "::1", "127.0.0.1", "::1")):
            with socket.create_connection((host, int(address.rsplit(":", 1)[1]))) as connection:
                connection.sendall(PING)
                self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 4"), address)  # no signature
        self.assertEqual(kmsd.stop(), 0)

    def test_any_user_may_connect_and_only_known_ones_get_an_answer(self):
        self.start()
        os.chmod(self.place.path, 0o755)
        self.make_known()

        def as_nobody(target):
            try:
                return ask(self.socket, target)
            except ServiceError as error:
                return error.code, error.message

        for target in ("TrentService.ListKeys", "Enfold.ListPrincipals"):
            code, message = self.place.call(as_nobody, target, user=harness.NOBODY)
            self.assertEqual(code, "AccessDeniedException", message)
        ask(self.socket, "Enfold.AddPrincipal", Account="000000000000", Name="nobody", UnixIds=[harness.NOBODY])
        self.assertEqual(self.place.call(as_nobody, "TrentService.ListKeys", user=harness.NOBODY)["Keys"], [])
        self.assertEqual(self.place.call(as_nobody, "Enfold.ListPrincipals", user=harness.NOBODY)[0],
                         "AccessDeniedException")

    def start_of_nobody(self, where):
        os.chmod(self.place.path, 0o755)
        state = self.place.make("state-of-nobody")
        os.chown(state, harness.NOBODY, harness.NOBODY)
        address = f"unix:{where}/kms.sock"
        self.start(data=f"{state}/store", listen=[address], user=harness.NOBODY, group=harness.NOBODY, extra_groups=[])
        return address

    def test_a_daemon_of_another_user_is_asked_where_that_user_was_given_the_place(self):
        where = self.place.make("of-nobody")
        os.chown(where, harness.NOBODY, harness.NOBODY)
        address = self.start_of_nobody(where)
        self.place.must(os.environ["ENFOLD"], "principal", "list", "--kms", address)

    def test_who_listens_first_where_anybody_may_is_not_asked(self):
        where = self.place.make("of-all")
        os.chmod(where, 0o1777)
        address = self.start_of_nobody(where)
        for command in (["principal", "list"], ["key", "list"]):
            asked = self.place.run(os.environ["ENFOLD"], *command, "--kms", address)
            self.assertEqual(asked.returncode, UNAVAILABLE, asked.stderr)
            self.assertIn(f"user {harness.NOBODY} listens there, and {os.path.realpath(where)} is where others", asked.stderr)
            self.assertIn("nothing was sent", asked.stderr)

    def test_a_symlink_where_anybody_may_make_one_leads_to_nobody(self):
        where, own = self.place.make("of-all"), self.place.make("of-nobody")
        os.chmod(where, 0o1777)
        os.chown(own, harness.NOBODY, harness.NOBODY)
        address = self.start_of_nobody(own)
        os.symlink(address.removeprefix("unix:"), f"{where}/kms.sock")
        os.lchown(f"{where}/kms.sock", harness.NOBODY, harness.NOBODY)
        asked = self.place.run(os.environ["ENFOLD"], "key", "list", "--kms", f"unix:{where}/kms.sock")
        self.assertEqual(asked.returncode, UNAVAILABLE, asked.stderr)
        self.assertIn("nothing was sent", asked.stderr)

    def test_two_daemons_serve_one_store(self):
        self.start()
        self.start(listen=[f"unix:{self.socket}2"])
        self.make_known()
        key = ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["KeyId"]
        sealed = ask(self.socket + "2", "TrentService.Encrypt", KeyId=key, Plaintext="YWJj")["CiphertextBlob"]
        ask(self.socket + "2", "TrentService.DisableKey", KeyId=key)
        with self.assertRaises(ServiceError) as raised:
            ask(self.socket, "TrentService.Decrypt", CiphertextBlob=sealed)
        self.assertEqual(raised.exception.code, "DisabledException")

    def test_two_daemons_that_start_at_once_make_one_store(self):
        both = [self.start(listen=[f"unix:{self.socket}{i}"], ready=False) for i in range(2)]
        for kmsd in both:
            while b"READY=1" not in kmsd.hear():
                self.assertIsNone(kmsd.process.poll(), kmsd.text())
        for kmsd in both:
            self.assertEqual(kmsd.stop(), 0)

    def test_root_keys_of_every_kind(self):
        secret = os.path.join(self.place.path, "passphrase")
        with open(secret, "w") as file:
            file.write("correct horse\nand nothing of this line\n")
        data = os.path.join(self.place.path, "sealed")
        self.refused(USAGE, "--passphrase-fd", "--root-key", "passphrase", data=data)
        self.assertFalse(os.path.exists(data))
        self.assertEqual(
            self.start("--root-key", "passphrase", "--passphrase-file", secret, data=data).stop(), 0)
        reading, writing = os.pipe()
        os.write(writing, b"correct horse")
        os.close(writing)
        self.assertEqual(self.start("--passphrase-fd", str(reading), data=data, pass_fds=[reading]).stop(), 0)
        os.close(reading)
        with open(secret, "w") as file:
            file.write("wrong horse")
        text = self.refused(WRONG_ROOT_KEY, "passphrase", "--passphrase-file", secret, data=data)
        self.assertNotIn("horse", text)

        credentials = self.place.make("credentials")
        with open(os.path.join(credentials, "kms"), "wb") as file:
            file.write(os.urandom(64))
        data = os.path.join(self.place.path, "with-credential")
        given = {"environment": {"CREDENTIALS_DIRECTORY": credentials}}
        self.assertEqual(self.start("--root-key", "credential:kms", data=data, **given).stop(), 0)
        self.assertEqual(self.start(data=data, **given).stop(), 0)
        # It was ignored, and somebody believed in a passphrase that nothing was sealed by.
        for other in ("passphrase", "generated", "credential:other"):
            self.refused(USAGE, f"kept as credential:kms, not as {other}", "--root-key", other, data=data, **given)
        with open(os.path.join(credentials, "kms"), "wb") as file:
            file.write(os.urandom(64))
        self.refused(WRONG_ROOT_KEY, "credential|root key", data=data, **given)


class Refusals(KmsdTest):
    def test_options_that_make_no_sense(self):
        for words, listen in (("unix:PATH", ["tcp:1"]), ("loopback", ["http://0.0.0.0:1"]), ("no TLS", ["https://localhost:1"]),
                              ("nothing to listen on", [])):
            self.refused(USAGE, words, listen=listen)
        self.refused(USAGE, "--region", "--region", "UPPER")
        self.refused(USAGE, "generated", "--root-key", "nonsense")
        self.refused(USAGE, "nonsense", "--nonsense")
        for option in ("--help", "--version"):
            self.assertEqual(self.start(option, ready=False).end(), 0)

    def test_who_cannot_listen_says_so(self):
        # A store was made first, with the root key in clear.
        self.refused(USAGE, "nothing to listen on", listen=[])
        self.assertFalse(os.path.exists(self.data))
        self.refused(MISSING, "make its directory first", listen=[f"unix:{self.place.path}/missing/kms.sock"])

    def test_nobody_is_heard_before_the_store_is_open(self):
        # What a client asked while the daemon waited for its passphrase was done after it had given up.
        pipe = os.path.join(self.place.path, "passphrase")
        os.mkfifo(pipe)
        kmsd = self.start("--root-key", "passphrase", "--passphrase-file", pipe, ready=False)
        writing = os.open(pipe, os.O_WRONLY)  # returns when the daemon reads there
        self.assertFalse(os.path.exists(self.socket))
        kmsd.signal(signal.SIGKILL)
        kmsd.end()
        os.close(writing)

    def test_what_listens_or_lies_where_it_would_listen(self):
        first = self.start(listen=[f"unix:{self.socket}", "http://127.0.0.1:0"])
        self.refused(BUSY, "another process listens")
        self.refused(BUSY, "another process listens", listen=[first.listeners()[1]])
        ask(self.socket, "Enfold.Ping")

        first.signal(signal.SIGKILL)
        first.end()
        self.assertTrue(os.path.exists(self.socket))
        second = self.start()
        ask(self.socket, "Enfold.Ping")
        self.assertEqual(second.stop(), 0)

        with open(self.socket, "w") as file:
            file.write("precious")
        self.refused(EXISTS, "no socket")
        with open(self.socket) as file:
            self.assertEqual(file.read(), "precious")

    def test_a_store_whose_rows_do_not_verify(self):
        self.assertEqual(self.start().stop(), 0)
        self.make_key_with_a_daemon()
        self.edit_a_row()
        text = self.refused(STORE_TAMPERED, "changed by something other than enfold")
        self.assertNotIn("listening", text)

    def test_a_store_that_is_half_there(self):
        self.make_key_with_a_daemon()
        os.unlink(f"{self.data}/root.key")
        before = os.stat(f"{self.data}/kms.db")
        self.refused(STORE_MISSING, "root.key")
        self.assertEqual(os.listdir(self.data), ["kms.db"])
        self.assertEqual(os.stat(f"{self.data}/kms.db").st_mtime_ns, before.st_mtime_ns)

        other = self.place.make("other")
        with open(os.path.join(other, "precious"), "w"):
            pass
        self.refused(STORE_MISSING, "no KMS store|not there|not empty", data=other)
        self.assertEqual(os.listdir(other), ["precious"])

    def test_a_store_that_changes_while_it_is_served_ends_the_daemon(self):
        kmsd = self.start()
        self.make_known()
        ask(self.socket, "TrentService.CreateKey")
        self.edit_a_row()
        with self.assertRaises(ServiceError) as raised:
            ask(self.socket, "TrentService.ListKeys")
        self.assertEqual((raised.exception.code, raised.exception.status), ("KMSInternalException", 500))
        self.assertEqual(kmsd.end(), STORE_TAMPERED)
        errors = [line for line in kmsd.text().splitlines() if "[error]" in line]
        self.assertRegex(errors[0], r"changed by something other than enfold \(key [0-9a-f-]{36} ")
        self.assertIn(b"STOPPING=1", kmsd.notified)
        self.assertFalse(os.path.exists(self.socket))

    def test_a_backup_put_over_a_store_that_is_served_ends_the_daemon(self):
        """Its changes went into removed files, and were answered."""
        first = self.start()
        self.make_known()
        kept = ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["KeyId"]
        self.assertEqual(first.stop(), 0)
        backup = os.path.join(self.place.path, "backup")
        self.place.must("rsync", "-a", self.data + "/", backup)
        second = self.start()
        ask(self.socket, "TrentService.CreateKey")
        self.place.must("rsync", "-a", "--delete", "--ignore-times", backup + "/", self.data)
        with self.assertRaises(ServiceError) as raised:
            ask(self.socket, "TrentService.CreateKey")
        self.assertEqual((raised.exception.code, raised.exception.status), ("KMSInternalException", 500))
        self.assertEqual(second.end(), STORE_TAMPERED)
        self.assertRegex(second.text(), "moved, removed or replaced while it was in use")
        third = self.start()
        self.assertEqual([key["KeyId"] for key in ask(self.socket, "TrentService.ListKeys")["Keys"]], [kept])
        self.assertEqual(third.stop(), 0)

    def test_a_full_disk(self):
        where = self.place.filesystem("tmpfs", 1)
        data = os.path.join(where, "data")
        fill = os.path.join(where, "fill")

        def fill_up():
            with open(fill, "wb", buffering=0) as file, self.assertRaises(OSError):
                while True:
                    file.write(b"x" * 4096)

        fill_up()
        self.refused(FULL, "[Nn]o space", data=data)
        os.unlink(fill)
        kmsd = self.start(data=data)
        self.make_known()
        key = ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["KeyId"]
        sealed = ask(self.socket, "TrentService.Encrypt", KeyId=key, Plaintext="YWJj")["CiphertextBlob"]
        fill_up()
        kept = self.create_keys_until_refused()
        self.assertEqual(ask(self.socket, "TrentService.Decrypt", CiphertextBlob=sealed)["Plaintext"], "YWJj")
        self.assertRegex(kmsd.text(), r"\[error\].*(full|space)")
        os.unlink(fill)
        kept.append(ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["KeyId"])
        self.assertEqual(kmsd.stop(), 0)
        self.start(data=data)
        found = [entry["KeyId"] for entry in ask(self.socket, "TrentService.ListKeys", Limit=1000)["Keys"]]
        self.assertEqual(sorted(found), sorted([key, *kept]))

    def create_keys_until_refused(self):
        made = []
        for _ in range(900):
            try:
                made.append(ask(self.socket, "TrentService.CreateKey")["KeyMetadata"]["KeyId"])
            except ServiceError as error:
                self.assertEqual((error.code, error.status), ("KMSInternalException", 500))
                return made
        raise AssertionError("a full disk took 900 keys")

    def make_key_with_a_daemon(self):
        kmsd = self.start()
        self.make_known()
        ask(self.socket, "TrentService.CreateKey")
        kmsd.stop()

    def edit_a_row(self):
        self.place.must("sqlite3", f"{self.data}/kms.db", ".timeout 10000",
                        "UPDATE record SET sealed = zeroblob(length(sealed)) WHERE kind = (SELECT min(kind) FROM record)")


class Load(KmsdTest):
    def test_clients_above_the_number_hear_so_and_the_rest_goes_on(self):
        self.start()
        self.make_known()
        connections = [UnixConnection(self.socket) for _ in range(300)]
        outcomes = []
        for connection in connections:
            try:
                connection.ask("Enfold.Ping", {})
                outcomes.append("served")
            except ServiceError as error:
                outcomes.append(error.code)
            except OSError:
                outcomes.append("closed")
        self.assertEqual(outcomes[:128], ["served"] * 128)
        self.assertEqual(set(outcomes[128:192]), {"ThrottlingException"})
        for connection in connections[:128]:
            connection.ask("Enfold.Ping", {})
        for connection in connections:
            connection.close()

    def test_eight_clients_at_once(self):
        self.start()
        self.make_known()
        failures = []

        def work():
            try:
                connection = UnixConnection(self.socket)
                key = connection.ask("TrentService.CreateKey", {})["KeyMetadata"]["KeyId"]
                for _ in range(100):
                    made = connection.ask("TrentService.GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"})
                    opened = connection.ask("TrentService.Decrypt", {"CiphertextBlob": made["CiphertextBlob"]})
                    assert opened["Plaintext"] == made["Plaintext"]
                connection.close()
            except BaseException as error:  # shown by the main thread
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    harness.main(needs_root=True)
