"""Each committed golden volume opens, and everything in it is as on the day when it was written."""

import json
import os

import golden
import harness
import trees

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")


class Golden(harness.MountedTest):
    def opened(self, version):
        source = os.path.join(GOLDEN, version)
        golden.unpack(self.place, source)
        with open(os.path.join(source, golden.MANIFEST)) as file:
            manifest = json.load(file)
        volume = harness.Volume(self.place, golden.NAME)
        return volume.mount("--kms", volume.kms), manifest

    def assert_holds(self, volume, manifest):
        self.assertEqual("", trees.differences(manifest, golden.manifest(volume.path())))

    def test_every_version_is_read_and_checked(self):
        versions = sorted(os.listdir(GOLDEN))
        self.assertIn("v1", versions)
        for version in versions:
            with self.subTest(version):
                volume, manifest = self.opened(version)
                self.assertGreater(len(manifest), 60)
                self.assert_holds(volume, manifest)
                volume.unmount()
                volume.must_be_clean()
                self.place.must("rm", "-r", volume.lower, volume.keys, volume.mountpoint)

    def test_version_1_can_be_written_on(self):
        volume, manifest = self.opened("v1")
        for path, content in (("lengths/4064", b"more"), ("holes/front", b"x")):
            with open(volume.path(path), "ab") as file:
                file.write(content)
            os.truncate(volume.path(path), os.path.getsize(volume.path(path)) - len(content))
            facts = manifest[path]
            os.utime(volume.path(path), ns=(0, facts[1]))
        with open(volume.path("new"), "wb") as file:
            file.write(b"written by today's version")
        volume.remount()
        with open(volume.path("new"), "rb") as file:
            self.assertEqual(b"written by today's version", file.read())
        os.unlink(volume.path("new"))
        self.assert_holds(volume, manifest)
        volume.unmount()
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main()
