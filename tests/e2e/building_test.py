"""make -j4 of C projects on the mount, compared with what it makes elsewhere. One project is generated; with
ENFOLD_LONG=1 it is larger, and ENFOLD_C_PROJECT may name the unpacked source of a real one that has a ./configure."""

import os

import harness
import trees

UNITS = 400 if harness.IS_LONG else 60

MAKEFILE = """CFLAGS = -O1 -g0 -I.
OBJECTS = $(patsubst %.c,%.o,$(wildcard src/*/*.c))
program: $(OBJECTS) libparts.a
\t$(CC) -o $@ main.c libparts.a
libparts.a: $(OBJECTS)
\tar rcsD $@ $^
%.o: %.c
\t$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(OBJECTS:.o=.d)
"""


class Project:
    """A generated project of many units that include each other's headers."""

    def __init__(self, folder, rng):
        self.folder, self.random = folder, rng
        os.makedirs(os.path.join(folder, "src"))
        for number in range(UNITS):
            self._write_unit(number)
        calls = "".join(f"  sum = sum * 31 + part{number}(sum);\n" for number in range(UNITS))
        declared = "".join(f"unsigned part{number}(unsigned);\n" for number in range(UNITS))
        self._write("main.c", f'#include <stdio.h>\n{declared}int main(void) {{\n  unsigned sum = 1;\n{calls}'
                              '  printf("%u\\n", sum);\n  return 0;\n}\n')
        self._write("Makefile", MAKEFILE)

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def _write_unit(self, number):
        name = f"src/{number % 8}/unit{number}"
        values = ", ".join(str(self.random.getrandbits(32)) + "u" for _ in range(200))
        self._write(name + ".h", f"static const unsigned table{number}[] = {{ {values} }};\n")
        used = sorted({number} | {self.random.randrange(number + 1) for _ in range(3)})
        includes = "".join(f'#include "src/{other % 8}/unit{other}.h"\n' for other in used)
        sums = "".join(f"  for (unsigned n = 0; n < 200; n++) x = x * 33 + table{other}[n];\n" for other in used)
        self._write(name + ".c", f"{includes}unsigned part{number}(unsigned x) {{\n{sums}  return x;\n}}\n")


class Building(harness.MountedTest):
    def setUp(self):
        super().setUp()
        self.volume = self.new_volume()
        # Both builds see the same path, which compilers and configure scripts write into what they make.
        self.here = self.place.make("here")
        self.place.environment |= {"LC_ALL": "C", "SOURCE_DATE_EPOCH": "1700000000"}

    def in_place(self, folder, *commands):
        self.place.must("mount", "--bind", folder, self.here)
        for command in commands:
            self.place.must(*command, cwd=self.here)
        self.place.must("umount", self.here)

    def contents(self, folder):
        """Without modes, times, and what configure logs, with process ids."""
        return {path: facts[2:] for path, facts in trees.describe(folder).items() if path != b"config.log"}

    def make_everywhere(self, source, *commands):
        """The folders of both builds, which must be equal before and after a remount."""
        outside, inside = os.path.join(self.place.path, "outside"), self.volume.path("inside")
        for folder in (outside, inside):
            self.place.must("cp", "-a", source, folder)
            self.in_place(folder, *commands)
        expected = self.contents(outside)
        self.assertEqual("", trees.differences(expected, self.contents(inside)))
        self.volume.remount()
        self.assertEqual("", trees.differences(expected, self.contents(inside)))
        return outside, inside

    def test_a_generated_project_is_built_and_rebuilt_as_elsewhere(self):
        source = os.path.join(self.place.path, "source")
        Project(source, self.random)
        outside, inside = self.make_everywhere(source, ("make", "-j4"))
        says = [self.place.must(os.path.join(folder, "program")) for folder in (outside, inside)]
        self.assertEqual(says[0], says[1])
        self.place.must("make", "-q", "-C", inside)  # nothing is newer than what was made of it

        for folder in (outside, inside):
            self.place.must("touch", os.path.join(folder, "src/0/unit0.h"))
        rebuilt = [sorted(self.place.must("make", "-n", cwd=folder).splitlines()) for folder in (outside, inside)]
        self.assertEqual(rebuilt[0], rebuilt[1])
        for folder in (outside, inside):
            self.in_place(folder, ("make", "-j4"))
        self.assertEqual("", trees.differences(self.contents(outside), self.contents(inside)))
        self.volume.unmount()
        self.volume.must_be_clean()

    def test_a_real_project_is_built_as_elsewhere(self):
        source = os.environ.get("ENFOLD_C_PROJECT")
        if not source:  # the generated one stands for it
            source = os.path.join(self.place.path, "source")
            Project(source, self.random)
            self.make_everywhere(source, ("make", "-j4", "CFLAGS=-O2 -g0 -I."))
            return
        self.make_everywhere(source, ("./configure", "CFLAGS=-O1 -g0"), ("make", "-j4"))
        self.volume.unmount()
        self.volume.must_be_clean()


if __name__ == "__main__":
    harness.main(needs_root=True)
