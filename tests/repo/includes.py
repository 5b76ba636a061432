"""Include arrows: tests -> tools -> fs -> kms, and inside them the table of modules. Nothing points back."""

import re

from tree import folder_of, under

_KMS_INNER = ["kms/base", "kms/crypto"]

# Who may include what of ours: a folder, or one header of it. Each folder may include itself.
ARROWS = {
    "kms/base": [],
    "kms/crypto": ["kms/base"],
    "kms/store": _KMS_INNER,
    "kms/engine": _KMS_INNER + ["kms/store"],
    "kms/wire": _KMS_INNER + ["kms/engine"],
    "kms/client": _KMS_INNER + ["kms/store/passphrase_source.h", "kms/engine", "kms/wire"],
    "kms/daemon": _KMS_INNER + ["kms/store", "kms/engine", "kms/wire"],
    "fs/format": _KMS_INNER,
    "fs/volume": _KMS_INNER + ["fs/format", "kms/client/kms_client.h"],
    "fs/control": _KMS_INNER,
    "fs/mount": ["kms/base", "fs/format", "fs/volume", "fs/control"],
    "tools": ["fs", "kms/base", "kms/crypto", "kms/client", "kms/engine", "kms/store"],
    "tests": ["tools", "fs", "kms"],
}

# Who may include which library. The last column: whether headers may (heavy ones only .cc files include).
LIBRARIES = [
    (r"spdlog/.*|fmt/.*", ["kms/base/log.cc"], False),
    (r"openssl/.*", ["kms/crypto", "tests/crypto"], True),
    (r"sqlite3\.h", ["kms/store", "tests/kms"], True),
    (r"fuse.*", ["fs/mount", "tests/mount"], True),
    (r"boost/json/fwd\.hpp", ["kms/wire", "kms/client", "kms/daemon", "tools", "tests"], True),
    (r"boost/json.*", ["kms/wire", "kms/client", "kms/daemon", "kms/engine", "fs/control", "fs/mount", "tools", "tests"], False),
    (r"boost/(asio|beast|url).*", ["kms/client", "kms/daemon", "tests"], False),
    (r"toml\+\+/.*", ["fs/volume", "tools", "tests"], False),
    (r"CLI/.*", ["tools", "kms/daemon/main.cc"], False),
    (r"(gtest|gmock|benchmark)/.*", ["tests"], True),
    (r"(sys|linux|netinet|arpa|asm)/[a-z0-9_]+\.h|[a-z0-9_]+(\.h)?", ["kms", "fs", "tools", "tests"], True),
]

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"(?P<own>[^"\n]*)"|<(?P<library>[^>\n]*)>)', re.MULTILINE)


def includes(tree, path):
    """(line number, kind, name); kind is 'own' or 'library'."""
    text = tree.texts[path]
    for match in _INCLUDE.finditer(text):
        kind = match.lastgroup
        yield text.count("\n", 0, match.start()) + 1, kind, match.group(kind)


def arrows(tree):
    for path in tree.sources():
        folder = folder_of(path)
        allowed = ARROWS.get(folder)
        if allowed is None:
            yield f"{path}: the folder {folder} is not in the table of modules"
            continue
        for line, kind, name in includes(tree, path):
            if kind != "own":
                continue
            if name not in tree.texts:
                yield f'{path}:{line}: "{name}" is no header of this repository (name it from the top)'
            elif not any(under(name, place) for place in [folder, *allowed]):
                yield f"{path}:{line}: {folder} must not include {name}"


def libraries(tree):
    for path in tree.sources():
        for line, kind, name in includes(tree, path):
            if kind == "library":
                complaint = _library_complaint(path, name)
                if complaint:
                    yield f"{path}:{line}: {complaint}"


def _library_complaint(path, name):
    for pattern, places, in_headers in LIBRARIES:
        if not re.fullmatch(pattern, name):
            continue
        if not any(under(path, place) for place in places):
            return f"<{name}> may only be included in {', '.join(places)}"
        if path.endswith(".h") and not in_headers:
            return f"<{name}> is for .cc files only"
        return None
    return f"<{name}> is of no library that this project uses"


def guarded(tree):
    for path in tree.sources((".h",)):
        if "#pragma once" not in tree.texts[path]:
            yield f"{path}: no #pragma once"


def unused_headers(tree):
    """A header that only its own .cc includes has no user."""
    used = set()
    for path in tree.sources():
        for _, kind, name in includes(tree, path):
            if kind == "own" and path != name and path.removesuffix(".cc") != name.removesuffix(".h"):
                used.add(name)
    for path in tree.sources((".h",)):
        if path not in used:
            yield f"{path}: no other file includes it"


RULES = [arrows, libraries, guarded, unused_headers]

CANARIES = [
    (arrows, {"kms/base/a.h": '#include "fs/format/b.h"\n', "fs/format/b.h": ""}),
    (arrows, {"fs/format/a.cc": '#include "fs/volume/b.h"\n', "fs/volume/b.h": ""}),
    (arrows, {"kms/engine/a.h": '#include "kms/client/b.h"\n', "kms/client/b.h": ""}),
    (arrows, {"fs/volume/a.cc": '#include "kms/client/other.h"\n', "kms/client/other.h": ""}),
    (arrows, {"fs/mount/a.cc": '#include "tools/b.h"\n', "tools/b.h": ""}),
    (arrows, {"tools/a.cc": '#include "tests/b.h"\n', "tests/b.h": ""}),
    (arrows, {"fs/volume/a.cc": '#include "volume.h"\n', "fs/volume/volume.h": ""}),
    (arrows, {"fs/other/a.cc": ""}),
    (libraries, {"fs/volume/a.cc": "#include <fuse_lowlevel.h>\n"}),
    (libraries, {"fs/volume/a.cc": "#include <openssl/evp.h>\n"}),
    (libraries, {"kms/engine/a.cc": "#include <sqlite3.h>\n"}),
    (libraries, {"kms/base/a.cc": "#include <spdlog/spdlog.h>\n"}),
    (libraries, {"fs/format/a.cc": "#include <boost/json.hpp>\n"}),
    (libraries, {"tools/a.h": "#include <CLI/CLI.hpp>\n"}),
    (libraries, {"fs/volume/a.h": "#include <toml++/toml.h>\n"}),
    (libraries, {"kms/crypto/a.cc": "#include <sodium/core.h>\n"}),
    (guarded, {"fs/format/a.h": "int f();\n"}),
    (unused_headers, {"fs/format/a.h": "", "fs/format/a.cc": '#include "fs/format/a.h"\n'}),
]
