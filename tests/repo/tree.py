"""The repository's files as the rules see them: paths from the top with their text."""

import os
import re
import subprocess

CODE = (".cc", ".h")

# One alternative for each thing that is not code. A quote after a letter or digit is a digit separator.
_NOT_CODE = re.compile(
    r'R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'"
    r"|//[^\n]*"
    r"|/\*.*?\*/",
    re.DOTALL,
)


def without_comments_and_strings(text):
    """C++ code alone, line for line; string literals stay as empty pairs of quotes."""

    def blank(match):
        found = match.group(0)
        lines = "\n" * found.count("\n")
        return ('""' if found[0] in "\"R" else "''" if found[0] == "'" else " ") + lines

    return _NOT_CODE.sub(blank, text)


class Tree:
    """paths: all files; texts: those that are text. History is what git says about tests/golden."""

    def __init__(self, texts, golden_changes=()):
        self.texts = dict(texts)
        self.paths = sorted(self.texts)
        self.golden_changes = list(golden_changes)
        self.executable = set()
        self._code = {}

    @staticmethod
    def of_repository(root):
        """Tracked files, and those that `git add` would take."""

        def git(*args):
            command = ["git", "-c", "safe.directory=*", "-C", root, *args]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout

        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        paths = [path for path in sorted(set(listed)) if os.path.isfile(os.path.join(root, path))]
        texts = {}
        for path in paths:
            with open(os.path.join(root, path), "rb") as file:
                texts[path] = file.read().decode("utf-8", errors="replace")
        committed = git("log", "--no-renames", "--diff-filter=MD", "--name-only", "--format=", "--", "tests/golden")
        here = git("diff", "--no-renames", "--diff-filter=MD", "--name-only", "HEAD", "--", "tests/golden")
        tree = Tree(texts, sorted({path for path in (committed + here).split("\n") if path}))
        tree.executable = {path for path in paths if os.access(os.path.join(root, path), os.X_OK)}
        return tree

    def code(self, path):
        if path not in self._code:
            self._code[path] = without_comments_and_strings(self.texts[path])
        return self._code[path]

    def sources(self, suffixes=CODE):
        return [path for path in self.paths if path.endswith(suffixes)]

    def lines_matching(self, path, pattern):
        """(line number, match) for each match in the code of a source file."""
        code = self.code(path)
        for match in pattern.finditer(code):
            yield code.count("\n", 0, match.start()) + 1, match


def folder_of(path):
    """The module that a file belongs to: fs/format, kms/base, ...; tools and tests are one module each."""
    parts = path.split("/")
    return parts[0] if parts[0] in ("tools", "tests") else "/".join(parts[:2])


def under(path, place):
    """Whether path is the file `place` or lies below the folder `place`."""
    return path == place or path.startswith(place + "/")
