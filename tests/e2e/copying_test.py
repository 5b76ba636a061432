"""cp -a of a part of the system onto the mount and back. ENFOLD_LONG=1: all of /usr/share. Needs root, to keep
owners."""

import os

import harness
import trees

SOURCE = "/usr/share" if harness.IS_LONG else "/usr/share/perl"


class Copying(harness.MountedTest):
    def test_a_part_of_the_system_is_copied_in_and_back(self):
        volume = self.new_volume()
        expected = trees.describe(SOURCE, owners=True, timed=trees.TIMED)
        self.assertGreater(len(expected), 400, f"{SOURCE} is too small to say anything")
        inside, back = volume.path("copy"), os.path.join(self.place.path, "back")
        self.place.must("cp", "-a", SOURCE, inside)
        self.assertEqual("", trees.differences(expected, self.describe(inside)))
        volume.remount()
        self.assertEqual("", trees.differences(expected, self.describe(inside)))
        self.place.must("cp", "-a", inside, volume.path("second"))
        self.place.must("cp", "-a", inside, back)
        self.assertEqual("", trees.differences(expected, self.describe(back)))
        volume.remount()
        self.assertEqual("", trees.differences(expected, self.describe(volume.path("second"))))
        self.place.must("diff", "-r", "--no-dereference", SOURCE, inside)
        self.place.must("rm", "-r", inside)
        self.assertEqual(["second"], os.listdir(volume.path()))
        volume.unmount()
        volume.must_be_clean()

    def describe(self, path):
        return trees.describe(path, owners=True, timed=trees.TIMED)


if __name__ == "__main__":
    harness.main(needs_root=True)
