"""The command line without a mount: what it answers, and that every wrong input is one line and a code of its own."""

import json
import os
import pty
import re
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402

USAGE, NO_SUCH, EXISTS, NOT_A_VOLUME, NOT_EMPTY, DAMAGED, UNSUPPORTED = 2, 13, 14, 20, 21, 23, 24
PIN_MISSING, PIN_MISMATCH, STORE_MISSING, STORE_TAMPERED, WRONG_ROOT_KEY, KMS_NOT_FOUND = 25, 26, 30, 31, 32, 41

COMMANDS = [["init"], ["mount"], ["status"], ["check"], ["inspect"], ["rekey"]] + [
    ["key", name]
    for name in ("create", "list", "describe", "enable", "disable", "rotate", "schedule-deletion", "cancel-deletion",
                 "export-store", "import-store")
] + [
    ["key", group, name]
    for group, names in (("alias", ("create", "update", "delete", "list")), ("tag", ("add", "remove", "list")),
                         ("rotation", ("enable", "disable", "status", "list")))
    for name in names
] + [["principal", name] for name in ("add", "list", "remove")] + [
    ["principal", "access-key", name] for name in ("create", "delete")
]


def tree_of(directory):
    """Every file below with its bytes: what must not change when a command fails."""
    found = {}
    for folder, _, files in os.walk(directory):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(os.path.join(folder, name), directory)] = file.read()
    return found


class CommandTest(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.lower = os.path.join(self.place.path, "lower")
        self.keys = os.path.join(self.place.path, "keys")
        self.kms = f"embedded:{self.keys}"

    def run_tool(self, *arguments, **options):
        return self.place.run(self.place.program, *arguments, **options)

    def answer(self, *arguments, **options):
        """The JSON of a command that must succeed."""
        done = self.run_tool(*arguments, "--json", **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, code, *arguments, says="", **options):
        """One line that says what and what to do, this exit code, and nothing on standard output."""
        done = self.run_tool(*arguments, **options)
        self.assertEqual((code, ""), (done.returncode, done.stdout), done.stderr)
        self.assertRegex(done.stderr, r"\Aenfold: [^\n]*; [^\n]+\n\Z")
        self.assertIn(says, done.stderr)

    def init(self, lower=None, kms=None):
        return self.answer("init", lower or self.lower, "--kms", kms or self.kms)

    def pin_files(self):
        folder = os.path.join(self.place.environment["XDG_CONFIG_HOME"], "enfold/volumes")
        return [os.path.join(folder, name) for name in os.listdir(folder)] if os.path.isdir(folder) else []

    def with_passphrase(self, *arguments, passphrase, option="--passphrase-fd", check=True):
        reading, writing = os.pipe()
        os.write(writing, passphrase)
        os.close(writing)
        try:
            done = self.run_tool(*arguments, option, str(reading), pass_fds=[reading])
        finally:
            os.close(reading)
        if check:
            self.assertEqual(0, done.returncode, done.stderr)
        return done


class Basics(CommandTest):
    def test_every_command_has_help_with_an_example(self):
        for command in COMMANDS:
            done = self.run_tool(*command, "--help")
            self.assertEqual(0, done.returncode, command)
            self.assertIn("Example:\n  enfold " + " ".join(command), done.stdout)
            self.assertIn("--json", done.stdout)
            self.assertNotIn("--passphrase ", done.stdout)

    def test_the_version_names_the_volume_format(self):
        self.assertIn("volume format 1", self.run_tool("--version").stdout)

    def test_wrong_usage_is_one_line(self):
        for arguments in ([], ["nothing"], ["init"], ["init", "a", "--unknown"], ["key"], ["key", "describe"],
                          ["mount", self.lower]):
            self.assert_refused(USAGE, *arguments)

    def test_wrong_usage_names_the_help_of_the_command(self):
        for arguments, command in (([], ""), (["nothing"], ""), (["init"], "init "), (["key"], "key "),
                                   (["key", "nothing"], "key "), (["key", "alias", "create"], "key alias create "),
                                   (["principal", "add"], "principal add "), (["mount", "a"], "mount "),
                                   (["key", "rotation", "enable", "x", "--days", "y"], "key rotation enable ")):
            self.assert_refused(USAGE, *arguments, says=f"; see `enfold {command}--help`\n")
            if command:
                self.assert_refused(USAGE, *arguments, says=f"enfold: {command.strip()}: ")

    def test_an_error_of_a_rare_kind_has_advice_too(self):
        os.symlink("loop", os.path.join(self.place.path, "loop"))
        self.assert_refused(10, "status", os.path.join(self.place.path, "loop", "volume"))

    def test_a_volume_is_made_shown_and_clean(self):
        made = self.init()
        self.assertTrue(made["new_key_store"])
        shown = self.answer("status", self.lower)
        self.assertEqual((made["volume"], made["key"], self.kms), (shown["volume"], shown["key"], shown["kms"]))
        self.assertEqual((False, False, "closed", True),
                         (shown["mounted"], shown["verified"], shown["state"], shown["pinned"]))
        before = tree_of(self.lower)
        self.assertTrue(self.answer("check", self.lower)["clean"])
        self.assertEqual(before, tree_of(self.lower), "check writes nothing")
        self.assertEqual(["enfold.dir", "enfold.lock", "enfold.volume"], sorted(before))

    def test_without_kms_the_store_is_in_the_users_data_directory(self):
        made = self.answer("init", self.lower)
        self.assertEqual(f"embedded:{self.place.environment['XDG_DATA_HOME']}/enfold/kms", made["kms"])
        second = self.answer("init", self.lower + "2")
        self.assertFalse(second["new_key_store"])
        self.assertNotEqual(made["key"], second["key"], "one key for each volume")
        self.assertEqual(2, len(self.answer("key", "list")["keys"]))

    def test_the_users_own_files_are_closed_to_others(self):
        self.answer("init", self.lower)
        for root in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            for folder, folders, files in os.walk(os.path.join(self.place.environment[root], "enfold")):
                for name in folders + files:
                    self.assertEqual(0, os.lstat(os.path.join(folder, name)).st_mode & 0o077, name)
        self.assertEqual(0o700, os.stat(self.lower).st_mode & 0o777)

    def test_key_create_makes_a_store_for_a_volume_to_move_to(self):
        other = "embedded:" + os.path.join(self.place.path, "elsewhere")
        made = self.answer("key", "create", "--kms", other, "--root-key", "generated")
        self.assertTrue(made["new_key_store"])
        self.assertFalse(self.answer("key", "create", "--kms", other)["new_key_store"])
        self.assert_refused(USAGE, "key", "create", "--kms", other, "--root-key", "generated", says="there already")

    def test_inspect_needs_no_key_and_names_the_material(self):
        made = self.init()
        shutil.rmtree(self.keys)
        config = self.answer("inspect", self.lower + "/enfold.volume")
        self.assertEqual(("volume config", False, made["volume"]),
                         (config["kind"], config["verified"], config["volume"]))
        (recipient,) = config["envelope"]["recipients"]
        self.assertEqual(made["key"], recipient["key"])
        self.assertRegex(recipient["material"], r"\A[0-9a-f]{64}\Z")
        self.assertEqual("directory marker", self.answer("inspect", self.lower + "/enfold.dir")["kind"])
        self.assert_refused(DAMAGED, "inspect", self.lower + "/enfold.lock")
        self.assert_refused(USAGE, "inspect", self.lower)

    def test_names_from_the_disk_cannot_steer_the_terminal(self):
        self.init()
        planted = os.path.join(os.fsencode(self.lower), b"\x1b[2J\xff\nfake: line")
        with open(planted, "wb"):
            pass
        done = self.run_tool("check", self.lower)
        self.assertEqual(1, done.returncode)
        self.assertIn("\\x1b[2J\\xff\\x0afake: line", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        finding = json.loads(self.run_tool("check", self.lower, "--json").stdout)["findings"][0]
        self.assertEqual(("foreign", "\\x1b[2J\\xff\\x0afake: line"), (finding["severity"], finding["lower_path"]))


class Init(CommandTest):
    def test_a_directory_that_is_not_empty_is_left_alone(self):
        os.mkdir(self.lower)
        with open(self.lower + "/mine", "w") as file:
            file.write("kept")
        self.assert_refused(NOT_EMPTY, "init", self.lower, "--kms", self.kms, says="not empty")
        self.assertEqual({"mine": b"kept"}, tree_of(self.lower))
        self.assertFalse(os.path.exists(self.keys), "no store is made for a volume that cannot be")

    def test_a_volume_is_not_made_over_another(self):
        self.init()
        before = tree_of(self.lower)
        self.assert_refused(NOT_EMPTY, "init", self.lower, "--kms", self.kms, says="already")
        self.assertEqual(before, tree_of(self.lower))

    def test_the_parent_must_be_there(self):
        self.assert_refused(NO_SUCH, "init", self.lower + "/below", "--kms", self.kms)

    def test_a_key_that_does_not_exist_leaves_nothing(self):
        self.init()
        other = self.lower + "2"
        self.assert_refused(KMS_NOT_FOUND, "init", other, "--kms", self.kms, "--key",
                            "00000000-0000-4000-8000-000000000000")
        self.assertFalse(os.path.exists(other))
        os.mkdir(other)
        self.assert_refused(KMS_NOT_FOUND, "init", other, "--kms", self.kms, "--key",
                            "00000000-0000-4000-8000-000000000000")
        self.assertEqual([], os.listdir(other))
        self.assertEqual(1, len(self.pin_files()))

    def test_a_store_is_not_made_over_other_files(self):
        os.mkdir(self.keys)
        with open(self.keys + "/mine", "w") as file:
            file.write("kept")
        self.assert_refused(EXISTS, "init", self.lower, "--kms", self.kms)
        self.assertEqual({"mine": b"kept"}, tree_of(self.keys))
        self.assertFalse(os.path.exists(self.lower))

    def test_an_unknown_kind_of_kms_or_root_key_is_refused(self):
        for kms in ("ftp://example.org", "foo"):
            self.assert_refused(USAGE, "init", self.lower, "--kms", kms, says="embedded:DIR, unix:PATH, http://127.0.0.1:PORT")
        self.assert_refused(USAGE, "init", self.lower, "--kms", "http://example.org", says="https")
        self.assert_refused(USAGE, "init", self.lower, "--kms", "unix:")
        self.assert_refused(USAGE, "init", self.lower, "--kms", "unix:kms.sock", "--root-key", "generated")
        self.assert_refused(USAGE, "init", self.lower, "--kms", self.kms, "--root-key", "nonsense")
        self.assertFalse(os.path.exists(self.lower))


class Opening(CommandTest):
    """By `check`, which opens a volume as a mount does."""

    def setUp(self):
        super().setUp()
        self.made = self.init()
        self.config = self.lower + "/enfold.volume"

    def patch(self, offset, content):
        with open(self.config, "r+b") as file:
            file.seek(offset)
            file.write(content)

    def test_a_directory_that_is_no_volume(self):
        empty = self.place.make("empty")
        for command in ("status", "check"):
            self.assert_refused(NOT_A_VOLUME, command, empty, says="enfold init")
            self.assert_refused(NO_SUCH, command, empty + "/none")
        for content in (b"", b"text", b"\0" * 16384, b"x" * 20000):
            with open(empty + "/enfold.volume", "wb") as file:
                file.write(content)
            self.assert_refused(NOT_A_VOLUME, "check", empty)
        os.unlink(empty + "/enfold.volume")
        os.mkfifo(empty + "/enfold.volume")
        self.assert_refused(NOT_A_VOLUME, "check", empty)

    def test_a_volume_of_a_newer_version_cipher_or_feature(self):
        for offset, width, says in ((8, 2, "version 9"), (10, 2, "cipher 9"), (12, 4, "flags 9")):
            with open(self.config, "rb") as file:
                whole = file.read()
            self.patch(offset, struct.pack("<Q", 9)[:width])
            for command in ("check", "status", "inspect"):
                self.assert_refused(UNSUPPORTED, command, self.config if command == "inspect" else self.lower, says=says)
            self.patch(0, whole)
        self.assertTrue(self.answer("check", self.lower)["clean"])

    def test_a_config_with_any_bit_changed_does_not_open_and_nothing_is_lost(self):
        with open(self.config, "rb") as file:
            whole = file.read()
        places = [self.random.randrange(16384) for _ in range(60)]
        # Every field of the prefix, the slot's head, key and ciphertext, and the state page.
        places += list(range(0, 56, 3)) + list(range(4096, 4400, 9)) + list(range(12288, 12336, 5))
        for place in places:
            self.patch(place, bytes([whole[place] ^ 1 << self.random.randrange(8)]))
            done = self.run_tool("check", self.lower)
            self.assertIn(done.returncode, (NOT_A_VOLUME, DAMAGED, UNSUPPORTED, PIN_MISMATCH, 44, 45, 54),
                          f"byte {place}: {done.stdout}{done.stderr}")
            self.assertEqual(1, done.stderr.count("\n"))
            self.patch(place, whole[place:place + 1])
        self.assertTrue(self.answer("check", self.lower)["clean"])

    def test_a_missing_store_a_foreign_one_and_a_tampered_one(self):
        other = self.place.path + "/other-keys"
        self.init(self.lower + "2", f"embedded:{other}")
        away = self.keys + ".away"
        os.rename(self.keys, away)
        self.assert_refused(STORE_MISSING, "check", self.lower, says=self.keys)
        os.rename(other, self.keys)
        self.assert_refused(KMS_NOT_FOUND, "check", self.lower)
        shutil.rmtree(self.keys)
        os.rename(away, self.keys)
        shutil.copy(self.keys + "/root.key", self.keys + "/root.key.old")
        with open(self.keys + "/root.key", "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
        self.assert_refused(WRONG_ROOT_KEY, "check", self.lower)
        os.replace(self.keys + "/root.key.old", self.keys + "/root.key")
        self.assertTrue(self.answer("check", self.lower)["clean"])

    def test_without_a_pin_the_kms_must_be_named_once(self):
        copy = self.lower + ".copy"
        shutil.copytree(self.lower, copy)
        self.assert_refused(PIN_MISSING, "check", copy, says="--kms")
        self.assertTrue(self.answer("check", copy, "--kms", self.kms)["clean"])
        self.assertTrue(self.answer("check", copy)["clean"], "it is pinned now")

    def test_another_volume_in_the_place_of_the_pinned_one(self):
        self.init(self.lower + "2")
        os.rename(self.lower, self.lower + ".away")
        os.rename(self.lower + "2", self.lower)
        for extra in ([], ["--kms", self.kms]):
            self.assert_refused(PIN_MISMATCH, "check", self.lower, *extra, says=".toml")
        # The message names the file to delete for who did it on purpose.
        pin = re.search(r"\S+\.toml", self.run_tool("check", self.lower).stderr).group()
        os.unlink(pin)
        self.assertTrue(self.answer("check", self.lower, "--kms", self.kms)["clean"])

    def test_another_kms_than_the_pinned_one_is_refused_before_it_is_asked(self):
        # There is no store at that place: asking it would be another error.
        self.assert_refused(PIN_MISMATCH, "check", self.lower, "--kms", f"embedded:{self.place.path}/nowhere")

    def test_another_key_in_the_config_is_refused_before_any_kms_is_asked(self):
        shutil.rmtree(self.keys)
        with open(self.config, "rb") as file:
            at = file.read().index(b"arn:aws:kms:")
        self.patch(at + len("arn:aws:kms:"), b"other")
        self.assert_refused(PIN_MISMATCH, "check", self.lower, says="arn:aws:kms:other")

    def test_one_recipient_more_is_refused_before_any_kms_is_asked(self):
        shutil.rmtree(self.keys)
        with open(self.config, "rb") as file:
            slot = file.read()[4096:4096 + 1536]
        arn, blob, material = struct.unpack_from("<HHH", slot, 18)
        recipient = slot[16:24 + arn + blob + material]
        self.patch(4096 + 8, struct.pack("<H", 2))
        self.patch(4096 + 16 + len(recipient), recipient)
        self.assert_refused(PIN_MISMATCH, "check", self.lower, says="2 recipients")

    def test_a_damaged_pin_is_named(self):
        (pin,) = self.pin_files()
        for content in ("", "version = 2", "not toml ["):
            with open(pin, "w") as file:
                file.write(content)
            self.assert_refused(DAMAGED, "check", self.lower, says=pin)


class Keys(CommandTest):
    def test_a_key_is_made_listed_disabled_enabled_and_rotated(self):
        made = self.init()
        new = self.answer("key", "create", "--description", "a note", "--kms", self.kms)
        self.assertEqual(("Enabled", "a note"), (new["state"], new["description"]))
        listed = {key["arn"] for key in self.answer("key", "list", "--kms", self.kms)["keys"]}
        self.assertEqual({made["key"], new["arn"]}, listed)
        self.assertEqual("Disabled", self.answer("key", "disable", new["id"], "--kms", self.kms)["state"])
        self.assertEqual("Disabled", self.answer("key", "describe", new["arn"], "--kms", self.kms)["state"])
        self.assertEqual("Enabled", self.answer("key", "enable", new["arn"], "--kms", self.kms)["state"])
        rotated = self.answer("key", "rotate", new["id"], "--kms", self.kms)
        self.assertEqual(2, rotated["materials"])
        self.assertNotEqual(new["material"], rotated["material"])

    def test_a_disabled_key_opens_nothing_until_it_is_enabled(self):
        made = self.init()
        self.answer("key", "disable", made["key"], "--kms", self.kms)
        self.assert_refused(42, "check", self.lower, says="enable")
        self.answer("key", "enable", made["key"], "--kms", self.kms)
        self.assertTrue(self.answer("check", self.lower)["clean"])

    def test_a_missing_store_is_not_made_by_other_commands(self):
        for command in (["list"], ["create"], ["describe", "x"]):
            self.assert_refused(STORE_MISSING, "key", *command, "--kms", self.kms)
        self.assertFalse(os.path.exists(self.keys))

    def test_an_exported_store_opens_the_volume_on_an_empty_machine(self):
        self.init()
        exported = self.place.path + "/exported"
        self.with_passphrase("key", "export-store", exported, "--kms", self.kms, passphrase=b"correct horse\n",
                             option="--export-passphrase-fd")
        self.assertEqual(0, os.stat(exported).st_mode & 0o077)
        again = self.with_passphrase("key", "export-store", exported, "--kms", self.kms, passphrase=b"x\n",
                                     option="--export-passphrase-fd", check=False)
        self.assertEqual(EXISTS, again.returncode)
        for command in ("export-store", "import-store"):
            # The other option that is named opens the store and not the file.
            self.assert_refused(USAGE, "key", command, exported + "2" if command == "export-store" else exported, "--kms",
                                self.kms if command == "export-store" else self.kms + "2", start_new_session=True,
                                says="--export-passphrase-fd or --export-passphrase-file")
        shutil.rmtree(self.keys)
        for pin in self.pin_files():
            os.unlink(pin)
        wrong = self.with_passphrase("key", "import-store", exported, "--kms", self.kms, passphrase=b"wrong\n",
                                     option="--export-passphrase-fd", check=False)
        self.assertEqual(WRONG_ROOT_KEY, wrong.returncode, wrong.stderr)
        self.assertFalse(os.path.exists(self.keys))
        self.with_passphrase("key", "import-store", exported, "--kms", self.kms, passphrase=b"correct horse\n",
                             option="--export-passphrase-fd")
        self.assertTrue(self.answer("check", self.lower, "--kms", self.kms)["clean"])


class Passphrases(CommandTest):
    def setUp(self):
        super().setUp()
        self.with_passphrase("init", self.lower, "--kms", self.kms, "--root-key", "passphrase",
                             passphrase=b"correct horse\n")

    def test_the_right_one_opens_by_descriptor_and_by_file(self):
        self.with_passphrase("check", self.lower, passphrase=b"correct horse")
        with open(self.place.path + "/passphrase", "w") as file:
            file.write("correct horse\nsecond line\n")
        self.assertTrue(self.answer("check", self.lower, "--passphrase-file", file.name)["clean"])

    def test_a_wrong_one_is_refused_and_not_repeated(self):
        before = tree_of(self.keys)
        done = self.with_passphrase("check", self.lower, passphrase=b"wrong battery\n", check=False)
        self.assertEqual(WRONG_ROOT_KEY, done.returncode)
        self.assertNotIn("battery", done.stderr + done.stdout)
        self.assertEqual(before, tree_of(self.keys))

    def test_without_a_terminal_it_says_how_to_give_one(self):
        done = self.run_tool("check", self.lower, start_new_session=True)
        self.assertEqual(USAGE, done.returncode)
        self.assertIn("--passphrase-fd", done.stderr)

    def test_on_a_terminal_it_is_asked_for_without_echo(self):
        child, terminal = pty.fork()
        if child == 0:
            os.execve(self.place.program, ["enfold", "check", self.lower], self.place.environment)
        shown = b""
        while b"passphrase" not in shown:
            shown += os.read(terminal, 1024)
        # A mistyped letter is taken back.
        os.write(terminal, b"correct horseX\x7f\n")
        try:
            while part := os.read(terminal, 1024):
                shown += part
        except OSError:  # how Linux ends a terminal
            pass
        os.close(terminal)
        self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown)
        self.assertNotIn(b"horse", shown)
        self.assertIn(b"clean", shown)


class Mounted(CommandTest):
    def test_a_mount_point_in_use_and_a_second_mount_have_their_exit_code(self):
        first = harness.Volume(self.place, "first").init().mount()
        other = self.place.make("other")
        in_use = 15
        self.assert_refused(in_use, "mount", first.lower, first.mountpoint)
        self.assert_refused(in_use, "mount", first.lower, other, says=str(first.daemon))
        self.assert_refused(NOT_A_VOLUME, "mount", other, self.place.make("third"))
        first.unmount()

    def test_a_status_beside_a_mount_is_verified_and_names_the_process(self):
        volume = harness.Volume(self.place, "first").init().mount()
        shown = self.answer("status", volume.mountpoint)
        self.assertEqual((True, True, volume.daemon, volume.mountpoint, "Enabled", 1),
                         (shown["mounted"], shown["verified"], shown["pid"], shown["mountpoint"],
                          shown["key_state"], shown["mount_number"]))
        volume.unmount()
        self.assertEqual("closed", self.answer("status", volume.lower)["state"])

    def test_a_killed_mount_shows_as_open_and_mounts_again(self):
        volume = harness.Volume(self.place, "first").init().mount()
        volume.kill()
        for path in (volume.lower, volume.mountpoint):
            shown = self.answer("status", path)
            self.assertEqual((False, "open", None), (shown["mounted"], shown["state"], shown["in_use_by"]))
        volume.mount()
        self.assertEqual(2, self.answer("status", volume.lower)["mount_number"])
        volume.unmount()

    def test_a_passphrase_is_taken_before_the_mount_goes_into_the_background(self):
        volume = harness.Volume(self.place, "first")
        with open(self.place.path + "/passphrase", "w") as file:
            file.write("correct horse\n")
        self.answer("init", volume.lower, "--kms", volume.kms, "--root-key", "passphrase", "--passphrase-file", file.name)
        volume.mount("--passphrase-file", os.path.relpath(file.name))
        volume.unmount()

    def test_a_cache_time_that_is_none_is_refused(self):
        volume = harness.Volume(self.place, "first").init()
        for value in ("0", "-1", "1x", "", "86401", "99999999999999999999"):
            self.assert_refused(USAGE, "mount", volume.lower, volume.mountpoint, "-o", f"key_cache_seconds={value}")


if __name__ == "__main__":
    harness.main()
