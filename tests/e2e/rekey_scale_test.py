"""A volume of 5,000 files, with ENFOLD_LONG=1 of 100,000, rotated from start to end with one command."""

import os
import re

import harness
from rekey_volume import KeyStore, RekeyVolume, Wraps
from scale_test import in_threads

FILES = 100_000 if harness.IS_LONG else 5000
FOLDERS = FILES // 50


class Scale(harness.MountedTest):
    def test_one_command_rotates_all_and_status_says_that_nothing_is_left(self):
        store = KeyStore(self.place, "keys")
        volume = RekeyVolume(self.place, store).init().mount()
        in_threads(lambda number: os.mkdir(volume.path(f"d{number}")), FOLDERS)
        in_threads(lambda number: self.write(volume, number), FILES)
        for mounted in (True, False):
            if not mounted:
                volume.unmount()
            old, new = volume.key, store.new_key()
            done = self.place.enfold("rekey", volume.lower, "--to-key", new)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn(f"{FILES} files re-wrapped", done.stdout)
            self.assertIn(f"No longer used here, and may be disabled: {old} (in {store.url}).", done.stdout)
            print(done.stdout, flush=True)
            volume.use(store, new)
            status = volume.rekey("--status")
            self.assertEqual((FILES, 0, True, [new]), (status["files"], status["left"], status["complete"],
                                                       sorted({one["key"] for one in status["keys"]})))
            self.assertIn(old, status["may_be_disabled"])
            told = self.place.must(self.place.program, "rekey", volume.lower, "--status")
            self.assertRegex(told, "(?m)^Nothing is left: all is under " + re.escape(new))
            self.assertEqual({status["material"]}, Wraps(volume.lower).materials())
            store.ask("disable", old)
        volume.mount()
        in_threads(lambda number: self.read(volume, number), FILES)

    def path(self, volume, number):
        return volume.path(f"d{number % FOLDERS}", f"{number}" + "-long" * 40 * (number % 100 == 0))

    def write(self, volume, number):
        with open(self.path(volume, number), "wb") as file:
            file.write(b"%d" % number)

    def read(self, volume, number):
        with open(self.path(volume, number), "rb") as file:
            self.assertEqual(b"%d" % number, file.read())


if __name__ == "__main__":
    harness.main()
