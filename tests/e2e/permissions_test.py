"""Root's mount used by many: who may do what is answered as by the plain filesystem below, also to callers of different
rights at once. What pjdfstest asks, and more of it. Needs root, to become somebody else."""

import os

import harness
import permission_cases
import side_by_side
from permission_errors import cases_of_errors

# All of the products are 127,000 cases.
CASES_OF_EACH = None if harness.IS_LONG else 1200


class Permissions(harness.MountedTest):
    def setUp(self):
        super().setUp()
        disk = self.place.filesystem("ext4", 1024)
        os.chmod(disk, 0o755)
        self.plain = os.path.join(disk, "plain")
        os.mkdir(self.plain)
        self.volume = self.new_volume("-o", "allow_other,suid,dev", lower=os.path.join(disk, "lower"))

    def chosen(self, cases):
        cases = list(cases)
        return cases if CASES_OF_EACH is None else self.random.sample(cases, min(CASES_OF_EACH, len(cases)))

    def must_agree(self, cases, processes=4):
        expected = side_by_side.run(cases, self.plain, processes)
        self.assertEqual(len(cases), len(expected))
        found = side_by_side.run(cases, self.volume.path(), processes)
        different = side_by_side.differences(expected, found)
        if different:
            self.fail(different)
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_names(self):
        self.must_agree(self.chosen(permission_cases.cases_on_names()))

    def test_objects(self):
        self.must_agree(self.chosen(permission_cases.cases_on_objects()))

    def test_new_objects(self):
        self.must_agree(list(permission_cases.cases_of_umask()))

    def test_errors(self):
        self.must_agree(list(cases_of_errors()), processes=1)

    def test_a_mount_that_is_read_only(self):
        """Which error comes first where several would do: EROFS, EACCES, EEXIST, ENOENT."""
        cases = [case for case in cases_of_errors() if "paths" in case.name]
        for directory in (self.plain, self.volume.path()):
            self.place.call(_prepare_in, directory, cases[0])
        self.volume.unmount()
        self.volume.mount("-o", "allow_other,ro")
        read_only = self.place.make("read-only")
        self.place.must("mount", "--bind", self.plain, read_only)
        self.place.must("mount", "-o", "remount,bind,ro", read_only)
        expected = self.place.call(_act_in, read_only, cases)
        self.assertIn("EROFS", repr(expected))
        self.assertEqual(expected, self.place.call(_act_in, self.volume.path(), cases))


def _prepare_in(directory, case):
    os.chmod(directory, 0o777)
    os.chdir(directory)
    case.prepare()


def _act_in(directory, cases):
    return [(case.name, side_by_side.answer_in(case, directory)) for case in cases]


if __name__ == "__main__":
    harness.main(needs_root=True)
