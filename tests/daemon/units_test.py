"""The units, without a running systemd: they verify, and their commands do what they are for."""

import os
import re
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import harness  # noqa: E402

UNITS = os.path.join(HERE, "..", "..", "systemd")


def setting(unit, name):
    """The one value of a setting."""
    with open(os.path.join(UNITS, unit)) as file:
        (value,) = re.findall(rf"^{name}=(.*)$", file.read(), re.MULTILINE)
    return value


class Units(harness.MountedTest):
    def test_verify(self):
        # Programs are looked up in fixed places, where the build is not.
        place = self.place.make("units")
        for name in os.listdir(UNITS):
            if name.endswith((".service", ".socket")):
                with open(os.path.join(UNITS, name)) as file:
                    text = file.read()
                text = text.replace("=enfold-kmsd ", f"={os.environ['ENFOLD_KMSD']} ")
                text = text.replace("=enfold mount", f"={os.environ['ENFOLD']} mount")
                with open(os.path.join(place, name.replace("@", "@volume")), "w") as file:
                    file.write(text)
        units = [os.path.join(place, name) for name in sorted(os.listdir(place))]
        self.assertEqual(len(units), 3)
        done = self.place.run("systemd-analyze", "verify", "--man=no", *units,
                              env=self.place.environment | {"SYSTEMD_UNIT_PATH": place + ":"})
        ours = [line for line in done.stderr.splitlines() if "enfold" in line]
        self.assertEqual((done.returncode, ours), (0, []), done.stderr)

    def test_the_user_is_made(self):
        root = self.place.make("root")
        os.mkdir(os.path.join(root, "etc"))
        self.place.must("systemd-sysusers", f"--root={root}", os.path.abspath(os.path.join(UNITS, "sysusers.conf")))
        with open(os.path.join(root, "etc", "passwd")) as file:
            users = {line.split(":")[0]: line.strip().split(":") for line in file}
        self.assertIn(setting("enfold-kmsd.service", "User"), users)
        self.assertTrue(users["enfold-kms"][6].endswith("nologin"))

    def test_what_they_install(self):
        build = self.place.make("build")
        where = self.place.make("installed")
        with open(os.path.join(build, "CMakeLists.txt"), "w") as file:
            file.write(f"cmake_minimum_required(VERSION 3.25)\nproject(units NONE)\nadd_subdirectory({UNITS} units)\n")
        self.place.must("cmake", "-S", build, "-B", build, f"-DCMAKE_INSTALL_PREFIX={where}")
        self.place.must("cmake", "--install", build)
        found = sorted(os.path.relpath(os.path.join(folder, name), where)
                       for folder, _, names in os.walk(where) for name in names)
        self.assertEqual(found, ["lib/systemd/system/enfold-kmsd.service", "lib/systemd/system/enfold-kmsd.socket",
                                 "lib/systemd/system/enfold@.service", "lib/sysusers.d/enfold-kms.conf"])

    def notifications(self):
        path = os.path.join(self.place.path, "notify")
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notifications.bind(path)
        notifications.settimeout(120)
        self.place.environment["NOTIFY_SOCKET"] = path
        return notifications

    def test_a_volume_is_mounted_until_it_is_stopped(self):
        volume = harness.Volume(self.place).init()
        with open(os.path.join(self.place.path, "volume.conf"), "w") as file:
            file.write(f"LOWER={volume.lower}\nMOUNTPOINT={volume.mountpoint}\nOPTIONS=\"-o noatime\"\n")

        def command(name):
            # As systemd reads it: $OPTIONS is split, ${LOWER} is not.
            return ["sh", "-ec", f"set -a; . {self.place.path}/volume.conf; exec {setting('enfold@.service', name)}"]

        os.symlink(os.environ["ENFOLD"], os.path.join(self.place.path, "enfold"))
        self.place.environment["PATH"] = self.place.path + ":" + os.environ["PATH"]
        self.assertEqual(setting("enfold@.service", "Type"), "notify")
        with open(os.path.join(self.place.path, "log"), "wb") as log, self.notifications() as notifications:
            mount = self.place.start(*command("ExecStart"), stdout=log, stderr=log)
            self.assertEqual(notifications.recv(4096), b"READY=1")
        self.assertIsNotNone(harness.mounted_at(volume.mountpoint))
        with open(volume.path("file"), "w") as file:
            file.write("content")
        self.place.must(*command("ExecStop"))
        self.assertEqual(self.place.wait_for(mount.pid), 0)
        mount.returncode = 0
        self.assertEqual(os.listdir(volume.mountpoint), [])
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main(needs_root=True)
