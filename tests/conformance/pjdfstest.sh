#!/bin/bash
# Runs pjdfstest on plain ext4 and on an Enfold mount over ext4, one test file after the other and four at once, and
# names every assertion that passes on ext4 and fails on Enfold.
#
#     ENFOLD=build/release/tools/enfold tests/conformance/pjdfstest.sh DIR
#
# DIR is a checkout of https://github.com/pjd/pjdfstest; it is copied, built in the copy, and stays as it is. Needs root,
# /dev/fuse, loop devices, autoconf, automake, make, a C compiler, perl's prove, openssl. PASSTHROUGH_HP may name the program
# of that name among libfuse's examples (or one in the PATH is taken): what fails is then run on it too, and what fails
# there as well is a limit of the kernel or of libfuse, and no failure of ours.
#
# Exit code: 0 where nothing fails but such limits, 1 where something does, 2 where it could not be run.
set -euo pipefail

give_up() {
  echo "pjdfstest.sh: $*" >&2
  exit 2
}

checkout=${1:-}
[ $# -eq 1 ] && [ -r "$checkout/configure.ac" ] && [ -d "$checkout/tests" ] ||
  give_up "usage: ENFOLD=PROGRAM pjdfstest.sh DIR, a checkout of pjdfstest"
[ -x "${ENFOLD:-}" ] || give_up "the environment variable ENFOLD must name the program"
[ "$(id -u)" = 0 ] || give_up "needs root"
for program in autoreconf make cc prove openssl mkfs.ext4 unshare; do
  command -v "$program" >/dev/null || give_up "needs $program"
done
passthrough=${PASSTHROUGH_HP:-$(command -v passthrough_hp || true)}
[ -z "$passthrough" ] || [ -x "$passthrough" ] || give_up "PASSTHROUGH_HP: $passthrough is no program"

# What is mounted from here on ends with this script, however it ends.
if [ -z "${PJDFSTEST_OWN_MOUNTS:-}" ]; then
  PJDFSTEST_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/enfold-pjdfstest-XXXXXX")
clean_up() {
  cd /
  for where in enfold passthrough; do
    ! mountpoint -q "$work/$where" || umount "$work/$where" || umount -l "$work/$where"
  done
  wait # for the daemons: they use the disk
  ! mountpoint -q "$work/disk" || umount "$work/disk" || umount -l "$work/disk"
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 2' INT TERM
chmod 755 "$work" # the tests go on as other users

build_suite() {
  cp -r "$checkout" "$work/suite"
  # It would leave out what it does not expect of a filesystem that it does not know.
  echo 'fs=EXT4' >>"$work/suite/tests/conf"
  (cd "$work/suite" && autoreconf -ifs && ./configure && make pjdfstest) >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; give_up "pjdfstest does not build"; }
  # prove tells passed from failed, but not which on which filesystem.
  cat >"$work/keep_output" <<'SCRIPT'
#!/bin/sh
sh "$1" | tee "$RESULTS/$(basename "$(dirname "$1")")_$(basename "$1")"
SCRIPT
  chmod +x "$work/keep_output"
}

# mount_with WHERE COMMAND...: starts a daemon and waits until it has mounted.
mount_with() {
  local where=$work/$1
  shift
  "$@" >"$where.log" 2>&1 &
  until mountpoint -q "$where"; do
    kill -0 $! 2>/dev/null || { cat "$where.log" >&2; give_up "$1 does not mount"; }
    sleep 0.1
  done
}

make_filesystems() {
  mkdir "$work/disk" "$work/enfold" "$work/passthrough" "$work/home"
  truncate -s 4G "$work/image"
  mkfs.ext4 -q "$work/image"
  mount -t ext4 -o loop "$work/image" "$work/disk"
  mkdir "$work/disk/plain" "$work/disk/source"
  export HOME=$work/home
  unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
  "$ENFOLD" init "$work/disk/lower" --kms "embedded:$work/keys" >/dev/null || give_up "Enfold makes no volume"
  mount_with enfold "$ENFOLD" mount -f "$work/disk/lower" "$work/enfold"
}

mount_passthrough() {
  ! mountpoint -q "$work/passthrough" || return 0
  ulimit -n "$(ulimit -Hn)" # it keeps a descriptor of each file
  mount_with passthrough "$passthrough" --foreground --nosplice "$work/disk/source" "$work/passthrough"
}

# run NAME DIRECTORY JOBS [TEST...]: what prove prints at its end, and a list of "FILE NUMBER" that passed.
run() {
  local name=$1 directory=$2 jobs=$3
  shift 3
  [ $# -gt 0 ] || set -- -r "$work/suite/tests"
  mkdir "$directory/$name" "$work/$name"
  chmod 755 "$directory/$name"
  echo "== $name"
  (cd "$directory/$name" && RESULTS=$work/$name prove -Q -j "$jobs" --exec "$work/keep_output" "$@") || true
  rm -rf "${directory:?}/$name"
  (cd "$work/$name" && awk '/^ok [0-9]+/ { print FILENAME, $2 }' * | LC_ALL=C sort) >"$work/$name.passed"
  (cd "$work/$name" && awk '/^not ok [0-9]+/ { print FILENAME, $3 "\t" $0 }' *) >"$work/$name.failed"
}

# The limits of this run, and the failures.
compare() {
  local jobs=$1 missing tests
  LC_ALL=C comm -23 "$work/ext4-j$jobs.passed" "$work/enfold-j$jobs.passed" >"$work/missing"
  : >"$work/limits"
  if [ -s "$work/missing" ] && [ -n "$passthrough" ]; then
    mount_passthrough
    mapfile -t tests < <(awk '{ sub("_", "/", $1); print $1 }' "$work/missing" | sort -u)
    run "passthrough-j$jobs" "$work/passthrough" "$jobs" "${tests[@]/#/$work/suite/tests/}"
    LC_ALL=C comm -23 "$work/missing" "$work/passthrough-j$jobs.passed" >"$work/limits"
  fi
  LC_ALL=C comm -23 "$work/missing" "$work/limits" >"$work/ours"
  echo "== $jobs at once: $(wc -l <"$work/ext4-j$jobs.passed") assertions pass on ext4;" \
    "of them fail on Enfold and passthrough_hp $(wc -l <"$work/limits"), on Enfold $(wc -l <"$work/ours")"
  show "limit" "$work/limits" "$jobs"
  show "FAILS" "$work/ours" "$jobs"
  [ ! -s "$work/ours" ] || result=1
}

show() {
  local word=$1 list=$2 jobs=$3 assertion said
  while read -r assertion; do
    said=$(awk -F'\t' -v wanted="$assertion" '$1 == wanted { print $2 }' "$work/enfold-j$jobs.failed")
    echo "$word: ${assertion/_//}: ${said:-was not reached}"
  done <"$list"
}

build_suite
make_filesystems
result=0
for jobs in ${PJDFSTEST_JOBS:-1 4}; do
  run "ext4-j$jobs" "$work/disk/plain" "$jobs"
  [ -s "$work/ext4-j$jobs.passed" ] || give_up "nothing passes on ext4"
  run "enfold-j$jobs" "$work/enfold" "$jobs"
  compare "$jobs"
done
exit "$result"
