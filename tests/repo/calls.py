"""Calls that this project does not make, and the one place of each that it does make."""

import re

from tree import under

_PRODUCT = ["kms", "fs", "tools"]
_ALL = ["kms", "fs", "tools", "tests"]


def _bare(names):
    """A call of a C function: `f(`, `::f(` or `std::f(`; no member, no other scope, no `void f(` being defined."""
    return rf"(?<![\w.>~:])(?<!\bvoid )(?:::|std::)?(?:{names})\s*\("


# These names are also good names for members, so only the global scope tells the system call apart.
_FILE_CALLS_SCOPED = "open|close|read|write|unlink|rename|mkdir|rmdir|link|symlink|stat|lstat|truncate|chmod|chown|access"
_FILE_CALLS = (
    "openat|openat2|creat|fopen|fdopen|pread|pwrite|preadv2?|pwritev2?|readv|writev|ftruncate|fallocate|fsync"
    "|fdatasync|syncfs|mkdirat|mknod|mknodat|unlinkat|renameat2?|linkat|symlinkat|readlinkat?|fstatat|fstat|statx"
    "|fchmod|fchmodat|fchown|fchownat|lchown|futimens|utimensat|opendir|fdopendir|readdir|[fl]?setxattr|[fl]?getxattr"
    "|[fl]?listxattr|[fl]?removexattr|copy_file_range|sendfile"
)

_OUTSIDE_THE_SEAM = [
    "kms/base/files.cc",  # the seam itself
    "kms/base/standard_streams.cc",  # /dev/null, before there is a seam
    "fs/control",  # sockets; it opens no lower file
    "kms/client/socket_listener.cc",  # the way to a socket
    "kms/daemon",  # sockets; the store's files it leaves to kms/store
    "kms/store/passphrase_origin.cc",  # a user's descriptor or file, and none of the store's
    "fs/mount",  # the daemon's pipes and /dev/fuse; what it knows of lower files it knows from fs/volume
]

# (what is wrong, pattern, where it is looked for, where it is allowed); an allowed file says why it does
BANNED = [
    ("memcmp leaks by its time: equal_in_constant_time, or std::ranges::equal for what is public",
     _bare("memcmp|bcmp"), _PRODUCT, ["kms/base/bytes.cc"]),
    ("an unbounded or hidden-state C string function",
     _bare("strcpy|stpcpy|strcat|strncpy|sprintf|vsprintf|gets|strtok|tmpnam|mktemp|tempnam|alloca"), _ALL, []),
    ("weak randomness", _bare("rand|srand|srandom|drand48|lrand48"), _ALL, []),
    ("a generator that is not for keys", r"\b(?:mt19937(?:_64)?|random_device|minstd_rand0?)\b", _PRODUCT, []),
    ("a shell is never needed", _bare("system|popen"), _PRODUCT, []),
    ("random bytes come from Entropy", _bare("getrandom|getentropy|RAND_bytes|RAND_priv_bytes|arc4random(?:_buf)?"),
     _ALL, ["kms/base/entropy.cc"]),
    ("time comes from Clock",
     _bare("time|clock_gettime|gettimeofday|timespec_get") + r"|\b(?:system|steady|high_resolution)_clock\b",
     _PRODUCT, ["kms/base/clock.cc", "fs/mount/session.cc"]),
    ("output is the command line's business; libraries log or return errors",
     r"\bstd::(?:cout|cerr|clog|print|println)\b|" + _bare("printf|fprintf|puts|fputs|putchar|perror"),
     ["kms", "fs"], ["kms/base/log.cc"]),
    ("errors are values: nothing of ours throws", r"\bthrow\b", _PRODUCT, []),
    ("assert() is not there in a release build: return an error", _bare("assert"), _PRODUCT, []),
    ("a process that ends itself loses data", _bare("exit|_exit|quick_exit"), ["kms", "fs"], ["fs/mount"]),
    ("lower files are reached through Files only, so that tests can fail and record each call",
     rf"(?<![\w:>])::(?:{_FILE_CALLS_SCOPED})\s*\(|" + _bare(_FILE_CALLS), ["kms", "fs"], _OUTSIDE_THE_SEAM),
    ("lower files are reached through Files only, so that tests can fail and record each call",
     r"\bstd::(?:basic_)?[io]?fstream\b|\b(?:std|boost)::filesystem\b", ["kms", "fs"], _OUTSIDE_THE_SEAM),
    ("a test that skips itself protects nobody", r"\bGTEST_SKIP\b|\bTEST(?:_[FP])?\s*\([^)]*\bDISABLED_", ["tests"], []),
]


def banned_calls(tree):
    for reason, pattern, places, exceptions in BANNED:
        compiled = re.compile(pattern)
        for path in tree.sources():
            if not any(under(path, place) for place in places) or any(under(path, place) for place in exceptions):
                continue
            for line, match in tree.lines_matching(path, compiled):
                yield f"{path}:{line}: {match.group(0).strip()}: {reason}"


def allowances_are_used(tree):
    """An exception for a file that is gone would wait for the next file of that name."""
    for _, _, _, exceptions in BANNED:
        for place in exceptions:
            if not any(under(path, place) for path in tree.paths):
                yield f"tests/repo/calls.py: allows {place}, which does not exist"


RULES = [banned_calls, allowances_are_used]

CANARIES = [
    (banned_calls, {"kms/crypto/a.cc": "bool f() { return std::memcmp(a, b, 16) == 0; }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { strcpy(a, b); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { std::sprintf(a, b); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "int f() { return rand(); }\n"}),
    (banned_calls, {"kms/engine/a.cc": "std::mt19937 generator;\n"}),
    (banned_calls, {"tools/a.cc": "void f() { ::system(x); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { if (getrandom(p, n, 0) < 0) g(); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "auto f() { return time(nullptr); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "auto f() { return std::chrono::steady_clock::now(); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { std::cout << 1; }\n"}),
    (banned_calls, {"kms/store/a.cc": 'void f() { throw std::runtime_error("x"); }\n'}),
    (banned_calls, {"fs/format/a.cc": "void f() { assert(false); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { int fd = ::open(p, 0); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "auto f() { return ::open(p, 0); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { (void)::unlink(p); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { pwrite(fd, p, n, 0); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "auto f() { return ::pread(fd, p, n, 0); }\n"}),
    (banned_calls, {"kms/store/a.cc": "std::ifstream in(path);\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { std::exit(1); }\n"}),
    (banned_calls, {"tests/base/a.cc": "TEST(A, B) { GTEST_SKIP(); }\n"}),
    (banned_calls, {"tests/base/a.cc": "TEST(A, DISABLED_B) {}\n"}),
    (allowances_are_used, {"fs/mount/a.cc": "", "fs/control/a.cc": "", "kms/base/bytes.cc": "", "fs/mount/session.cc": "", "kms/base/log.cc": "", "kms/base/clock.cc": ""}),
]

# What must not be called a violation: comments, strings, members, other scopes, longer names.
INNOCENT = [
    (banned_calls, {"fs/volume/a.cc": '// throw, rand(), ::open(\nauto s = "memcmp(a)"; auto r = R"(time(0))";\n'}),
    (banned_calls, {"fs/volume/a.cc": "void f() { files.open(p); file->read(q); Gcm::open(x); my::rand(); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "void f() { operand(1); runtime(2); static_assert(true); settime(3); }\n"}),
    (banned_calls, {"fs/volume/a.cc": "bool Gcm::open(int n) { return 1'000 > n && 2'000 < n; }\n"}),
    (banned_calls, {"fs/mount/a.cc": "void readlink(fuse_req_t request) { ::close(pipe); }\n"}),
    (banned_calls, {"kms/base/entropy.cc": "void f() { getrandom(p, n, 0); }\n"}),
]
