#!/usr/bin/python3
"""Installs the JavaScript clients that package-lock.json pins, once for each build directory.

    install_clients.py FOLDER    # FOLDER/node_modules is there afterwards

What is there already and was made from the same lock file stays. No script of a package is run.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

SOURCES = os.path.dirname(os.path.abspath(__file__))
PINNED = ["package.json", "package-lock.json"]
COMMAND = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]


def digest_of_pins():
    digest = hashlib.sha256()
    for name in PINNED:
        with open(os.path.join(SOURCES, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def install(folder):
    made_from = os.path.join(folder, "made-from")
    wanted = digest_of_pins()
    if os.path.exists(made_from):
        with open(made_from) as file:
            if file.read() == wanted:
                return
        os.remove(made_from)
    for name in PINNED:
        shutil.copy(os.path.join(SOURCES, name), folder)
    if subprocess.run(COMMAND, cwd=folder, stdin=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"'{' '.join(COMMAND)}' failed in {folder}: the message above says why. It needs the npm registry "
                 "once; 'npm config get registry' says which one is asked.")
    with open(made_from, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    with open(os.path.join(sys.argv[1], "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(sys.argv[1])
