"""What the tests of `enfold rekey` share: key stores, wrapped keys found as bytes, and trees that must not change."""

import hashlib
import json
import os
import re
import stat

import harness

# kms/FORMAT.md: magic and version, key id, material id, and the box around a key of 32 bytes.
_BLOB_MAGIC = b"ENFK\x01"
_BLOB_BYTES, _BLOB_HEADER_BYTES, _TAIL_BYTES = 129, 53, 16

PAGE = 4096
SLOTS = 512, 2048, 3584  # where they begin in a header page, and the state record


class KeyStore:
    """An embedded store of its own, with a passphrase or without."""

    def __init__(self, place, name, passphrase=None):
        self.place, self.passphrase = place, passphrase
        self.folder = os.path.join(place.path, f"{name}.store")
        self.url = f"embedded:{self.folder}"
        self.opened_by = []
        if passphrase:
            file = os.path.join(place.path, f"{name}.passphrase")
            with open(file, "w") as opened:
                opened.write(passphrase + "\n")
            self.opened_by = ["--passphrase-file", file]
        how = ["--root-key", "passphrase"] if passphrase else []
        # A store is made with a first volume, which is of no further use.
        place.must(place.program, "init", os.path.join(place.path, f"{name}.unused"), "--kms", self.url, *how,
                   *self.opened_by)

    def ask(self, action, *arguments):
        return json.loads(self.place.must(self.place.program, "key", action, *arguments, "--kms", self.url,
                                          *self.opened_by, "--json"))

    def new_key(self):
        return self.ask("create")["arn"]

    def retire(self):
        """Nothing needs it any more."""
        os.rename(self.folder, self.folder + ".retired")


class PassphraseFd:
    """A descriptor from which a passphrase can be read once: (option, descriptor)."""

    def __init__(self, text):
        self.fd, writing = os.pipe()
        os.write(writing, text.encode() + b"\n")
        os.close(writing)

    def __enter__(self):
        return str(self.fd)

    def __exit__(self, *_):
        os.close(self.fd)


class RekeyVolume(harness.Volume):
    """A volume in a key store of its own."""

    def __init__(self, place, store, name="volume", lower=None):
        super().__init__(place, name, lower)
        self.store, self.kms = store, store.url
        self.key = store.new_key()

    def init(self):
        self.place.must(self.place.program, "init", self.lower, "--kms", self.kms, "--key", self.key,
                        *self.store.opened_by)
        return self

    def mount(self, *arguments):
        """Soon asks again for each key."""
        return super().mount("-o", "key_cache_seconds=1", *self.store.opened_by, *arguments)

    def remount(self):
        self.unmount()
        self.mount()

    @property
    def is_mounted(self):
        return self.daemon is not None

    def try_rekey(self, *arguments, path=None, **options):
        """Run to its end; the answer is None where there is none."""
        # A mount has its own store open.
        opened_by = [] if self.is_mounted or "--passphrase-fd" in arguments else self.store.opened_by
        done = self.place.enfold("rekey", path or self.lower, *arguments, *opened_by, "--json", **options)
        done.answer = json.loads(done.stdout) if done.stdout else None
        return done

    def rekey(self, *arguments, code=0, **options):
        """The answer of a run that must end with this code."""
        done = self.try_rekey(*arguments, **options)
        if done.returncode != code:
            raise AssertionError(f"rekey {arguments} ended with {done.returncode}, not {code}:\n"
                                 f"{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.answer

    def use(self, store, key):
        """The volume is another key's now, for what is mounted and asked from here on."""
        self.store, self.kms, self.key = store, store.url, key

    def headers(self):
        """{lower path: header page} of all regular files, wherever they are."""
        found = {}
        for path in _regular_files(self.lower):
            with open(path, "rb") as file:
                page = file.read(PAGE)
            if page.startswith(b"ENFOLDF\x1a"):
                found[os.path.relpath(path, self.lower)] = page
        return found

    def files_that_name(self, materials):
        """Lower files with these materials' names in their first pages, in a wrap or beside one."""
        names = [material.encode() for material in materials]
        found = []
        for path in _regular_files(self.lower):
            with open(path, "rb") as file:
                content = file.read(4 * PAGE)
            if any(name in content for name in names):
                found.append(os.path.relpath(path, self.lower))
        return found

    def nameless(self):
        """The bytes of each lower file that the mount has open and that no directory has any more."""
        folder, found = f"/proc/{self.daemon}/fd", {}
        for fd in os.listdir(folder):
            try:
                place = os.readlink(f"{folder}/{fd}")
                if place.startswith(self.lower) and place.endswith(" (deleted)"):
                    with open(f"{folder}/{fd}", "rb") as file:
                        found[os.fstat(file.fileno()).st_ino] = file.read()
            except (FileNotFoundError, IsADirectoryError):  # closed since it was listed; a removed directory
                pass
        return list(found.values())

    def check_findings(self):
        done = self.place.enfold("check", self.lower, "--json", *self.store.opened_by)
        return json.loads(done.stdout)["findings"]

    def material_of(self, key=None):
        return self.store.ask("describe", key or self.key)["material"]


def _regular_files(folder):
    for above, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(above, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path


class Wraps:
    """Every ciphertext of the KMS below a directory, found as bytes, whatever they stand in."""

    def __init__(self, folder):
        self.folder, self.found = folder, {}
        for path in _regular_files(folder):
            with open(path, "rb") as file:
                self._find(path, file.read())

    def _find(self, path, content):
        for blob in self.in_bytes(content):
            self.found.setdefault(blob, []).append(os.path.relpath(path, self.folder))

    @staticmethod
    def in_bytes(content):
        at = content.find(_BLOB_MAGIC)
        while at >= 0:
            yield content[at:at + _BLOB_BYTES]
            at = content.find(_BLOB_MAGIC, at + 1)

    def materials(self):
        return {self.material_of(blob) for blob in self.found}

    @staticmethod
    def material_of(blob):
        return blob[21:_BLOB_HEADER_BYTES].hex()

    def keys(self):
        return {blob[5:21].hex() for blob in self.found}

    def left_in(self, folder):
        """Where anything of these wraps still is: whole, no more than its last bytes, or the name of its key material
        as bytes or as text."""
        tails = {blob[-_TAIL_BYTES:] for blob in self.found}
        names = re.compile(b"|".join(re.escape(name) for text in self.materials()
                                     for name in (text.encode(), bytes.fromhex(text))))
        return [os.path.relpath(path, folder) for path in _regular_files(folder)
                if _file_has(path, names, tails)]


def _file_has(path, names, tails):
    """Wraps end where their slot says, so anywhere within the first pages: what is behind these is looked through for
    the material that each wrap names."""
    with open(path, "rb") as file:
        content = file.read()
    if names.search(content):
        return True
    start = content[:4 * PAGE]
    return any(start[at:at + _TAIL_BYTES] in tails for at in range(len(start) - _TAIL_BYTES + 1))


def key_id_of(arn):
    """As its bytes are written in hex."""
    return arn.rpartition("/")[2].replace("-", "")


def snapshot(*folders):
    """{path: all that a change would change}, times of change included."""
    found = {}
    for folder in folders:
        for above, directories, names in os.walk(folder):
            for path in [above] + [os.path.join(above, name) for name in directories + names]:
                status = os.lstat(path)
                found[path] = (status.st_mode, status.st_ino, status.st_nlink, status.st_size, status.st_mtime_ns,
                               status.st_ctime_ns, _digest(path, status))
    return found


def _digest(path, status):
    if not stat.S_ISREG(status.st_mode):
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mtimes(lower):
    """Of all that rekey may touch below, and may not make look touched: directories, too."""
    found = {}
    for above, directories, names in os.walk(lower):
        for path in [above] + [os.path.join(above, name) for name in directories + names]:
            if os.path.basename(path) not in ("enfold.volume", "enfold.lock"):
                found[os.path.relpath(path, lower)] = os.lstat(path).st_mtime_ns
    return found
