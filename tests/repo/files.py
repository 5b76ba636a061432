"""What may lie where: the fixed top level, known kinds of files, nothing unused, nothing overlong."""

import os
import re

from tree import under

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "fs", "kms", "tools", "tests", "systemd"}

NAMES = {"CMakeLists.txt", ".clang-tidy"}
EXTENSIONS = {".cc", ".h", ".md", ".py", ".sh", ".json", ".js", ".service", ".socket", ".conf"}
# Data for tests may have any name: volumes have encrypted ones.
DATA = ["tests/golden", "tests/vectors", "tests/fuzz/corpus"]

MAXIMUM_LINES = 500

LABELS = {"unit", "attack", "threads", "e2e", "fuzz", "repo"}

_MARK = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")


def _is_data(path):
    return any(under(path, place) for place in DATA)


def _build_text(tree, path):
    """A CMakeLists.txt with its foreach loops written out."""

    def written_out(match):
        variable, items, body = match.groups()
        values = [item for item in items.split() if item not in ("IN", "ITEMS")]
        return "\n".join(body.replace(f"${{{variable}}}", value) for value in values)

    loop = re.compile(r"\bforeach\((\w+)\s+([^)]*)\)(.*?)\bendforeach\(\)", re.DOTALL)
    return loop.sub(written_out, tree.texts.get(path, ""))


def _texts_that_call(tree, path):
    for other, text in tree.texts.items():
        if other != path:
            yield _build_text(tree, other) if other.endswith("CMakeLists.txt") else text


def top_level(tree):
    for name in sorted({path.split("/")[0] for path in tree.paths}):
        if name not in TOP_LEVEL and not name.startswith("."):
            yield f"{name}: the top level is fixed; put it in the folder that it belongs to"


def known_kinds(tree):
    """A file without an extension is a script: it says by what it runs, and it is executable."""
    for path in tree.paths:
        name = os.path.basename(path)
        extension = os.path.splitext(name)[1]
        if "/" not in path or name in NAMES or _is_data(path) or extension in EXTENSIONS:
            continue
        if extension:
            yield f"{path}: files of this kind are not expected here"
        elif not tree.texts[path].startswith("#!") or path not in tree.executable:
            yield f"{path}: neither a known kind of file nor an executable script"


def sources_are_built(tree):
    """A .cc file is named in the CMakeLists.txt of its folder, or of the nearest folder above that has one."""
    for path in tree.sources((".cc",)):
        folder = os.path.dirname(path)
        while folder and f"{folder}/CMakeLists.txt" not in tree.texts:
            folder = os.path.dirname(folder)
        name = os.path.relpath(path, folder) if folder else path
        build = _build_text(tree, os.path.join(folder, "CMakeLists.txt"))
        if not re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w./-])", build):
            yield f"{path}: no CMakeLists.txt builds it"


def scripts_are_used(tree):
    """A script is called by its path, or imported by its name, in another file."""
    for path in tree.paths:
        name = os.path.basename(path)
        is_script = path.endswith(".py") or path in tree.executable
        if not is_script or "/" not in path or path.startswith(".") or _is_data(path):
            continue
        stem = re.escape(name.removesuffix(".py"))
        used = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w.-])|\b(?:import|from) {stem}\b")
        if not any(used.search(text) for text in _texts_that_call(tree, path)):
            yield f"{path}: no other file names it"


def not_overlong(tree):
    for path in tree.paths:
        if path.endswith((".cc", ".h", ".py")) or path in tree.executable or path.endswith("CMakeLists.txt"):
            lines = tree.texts[path].count("\n")
            if lines > MAXIMUM_LINES and not _is_data(path):
                yield f"{path}: {lines} lines; above {MAXIMUM_LINES} it is more than one idea"


def no_marks(tree):
    for path in tree.paths:
        if path == "LICENSE" or _is_data(path):
            continue
        for match in _MARK.finditer(tree.texts[path]):
            line = tree.texts[path].count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {match.group(0)}: do it, or leave it to an issue"


def links_lead_somewhere(tree):
    """A relative link of a document names a file, or a folder of files."""
    link = re.compile(r"\]\(([^)#:\s]+)\)")
    for path in tree.sources((".md",)):
        for match in link.finditer(tree.texts[path]):
            target = os.path.normpath(os.path.join(os.path.dirname(path), match.group(1)))
            if not any(under(other, target) for other in tree.paths):
                yield f"{path}: the link to {match.group(1)} leads nowhere"


def labels_are_known(tree):
    """A test whose label nobody runs is not run."""
    declared = re.compile(r"\benfold_test\(\s*([\w-]+)([^)]*)\)")
    for path in tree.paths:
        if not (under(path, "tests") and path.endswith("/CMakeLists.txt")):
            continue
        for match in declared.finditer(_build_text(tree, path)):
            name, arguments = match.groups()
            labels = set(re.findall(r"[\w-]+", arguments.partition("LABELS")[2]))
            if not labels or labels - LABELS:
                yield f"{path}: {name} has the labels {sorted(labels)}; known are {sorted(LABELS)}"


def golden_is_only_added_to(tree):
    """A volume that some version wrote must open for ever; prose about it may change."""
    for path in tree.golden_changes:
        if not path.endswith(".md"):
            yield f"{path}: golden data was changed or removed; a new version gets new files beside the old"


RULES = [
    top_level,
    known_kinds,
    sources_are_built,
    scripts_are_used,
    not_overlong,
    no_marks,
    links_lead_somewhere,
    labels_are_known,
    golden_is_only_added_to,
]

CANARIES = [
    (top_level, {"notes/a.md": ""}),
    (top_level, {"a.md": ""}),
    (known_kinds, {"fs/format/a.orig": ""}),
    (known_kinds, {"tools/helper": "not a script\n"}),
    (known_kinds, {"tools/not-executable": "#!/bin/sh\n"}),
    (sources_are_built, {"fs/format/b.cc": "", "fs/format/CMakeLists.txt": "SOURCES a.cc bb.cc b.cc.in"}),
    (sources_are_built, {"tests/a/c_x.cc": "", "tests/a/CMakeLists.txt": "foreach(n a b)\nf(${n}_x.cc)\nendforeach()"}),
    (sources_are_built, {"tests/a/b.cc": "", "tests/CMakeLists.txt": "a"}),
    (scripts_are_used, {"tests/e2e/a.py": "a.py\n", "tests/e2e/b.txt": "data.py a.pyc\n"}),
    (not_overlong, {"fs/format/a.cc": "\n" * (MAXIMUM_LINES + 1)}),
    (no_marks, {"fs/format/a.cc": "// TO" "DO: later\n"}),
    (no_marks, {"fs/README.md": "FIX" "ME\n"}),
    (links_lead_somewhere, {"fs/README.md": "[the format](FORMAT.md)", "kms/FORMAT.md": ""}),
    (labels_are_known, {"tests/a/CMakeLists.txt": "enfold_test(a SOURCES a.cc LABELS slow)"}),
    (labels_are_known, {"tests/a/CMakeLists.txt": "enfold_test(a SOURCES a.cc)"}),
]

INNOCENT = [
    (sources_are_built, {"tests/a/b_x.cc": "", "tests/a/CMakeLists.txt": "foreach(n a b)\nf(${n}_x.cc)\nendforeach()"}),
    (scripts_are_used, {"tests/e2e/tree.py": "", "tests/e2e/git.py": "import tree", "tests/CMakeLists.txt": "git.py"}),
]
