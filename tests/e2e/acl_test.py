"""POSIX ACLs on a mount of root's: what Linux's own filesystem answers to a script, the mount answers, too."""

import os
import subprocess

import harness

OWNER, OTHER, GROUP = 1234, 1235, 5555

SCRIPT = f"""
as() {{ local user=$1 group=$2; shift 2; setpriv --reuid $user --regid $group --clear-groups "$@"; }}
umask 022
echo content >file; setfacl -m u:{OWNER}:rw file; getfacl -c file; stat -c %a file
chmod 640 file; getfacl -c file            # the mask is the group's bits
as {OWNER} {OWNER} cat file; as {OTHER} {OTHER} cat file
setfacl -m u:{OTHER}:- file; chmod 666 file; as {OTHER} {OTHER} cat file; as {OWNER} {OWNER} cat file

mkdir inherits; touch inherits/before; setfacl -m d:u:{OWNER}:rwx,d:g::r-x,d:o::- inherits
umask 077                                  # does not count where an ACL is inherited
echo inherited >inherits/file; mkdir inherits/directory; mkfifo inherits/fifo; ln -s file inherits/link
mknod inherits/device c 1 3; (umask 000; touch inherits/wide); mkdir -m 700 inherits/narrow
ln inherits/file inherits/second; mv inherits/second moved
for name in inherits/* inherits moved; do echo "$name"; stat -c %A "$name"; [ -L "$name" ] || getfacl -cn "$name"; done
getfattr -h -d -m - inherits/link
as {OWNER} {OWNER} cat inherits/file; as {OTHER} {OTHER} cat inherits/file
chown {OWNER}:{GROUP} inherits/file; getfacl -n inherits/file
setfacl -k inherits; touch inherits/plain; stat -c %A inherits/plain; getfacl -c inherits

mkdir group; chown 0:{GROUP} group; chmod 2775 group; setfacl -d -m u:{OTHER}:rx group
umask 002; mkdir group/below; touch group/below/file; stat -c '%A %g' group/below group/below/file; getfacl -cn group/below

touch set; chown {OWNER}:{GROUP} set; chmod 2770 set
as {OWNER} 77 setfacl -m u:9:r set; stat -c %a set           # not of the group: the bit goes
as {OWNER} {GROUP} chmod 2770 set; as {OWNER} {GROUP} setfacl -m u:9:rw set; stat -c %a set
as {OTHER} {OTHER} setfacl -m u:9:r set                       # neither owner nor root
setfacl -b file; getfacl -c file; setfacl -d -m u:1:r file    # only directories have a default

setfattr -n trusted.secret -v 1 file; setfattr -n user.open -v 2 file; chmod 644 file
getfattr -d -m - file; as {OTHER} {OTHER} getfattr -d -m - file
"""


def answers(folder):
    os.mkdir(folder)
    done = subprocess.run(["bash", "-c", SCRIPT], cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


class Acls(harness.MountedTest):
    def test_are_enforced_and_inherited_as_by_linux(self):
        volume = self.new_volume()
        plain = answers(os.path.join(self.place.path, "plain"))
        self.assertIn(f"default:user:{OWNER}:rwx", plain)
        self.assertNotIn("not supported", plain)
        self.assertEqual(plain.splitlines(), answers(volume.path("mounted")).splitlines())

    def test_survive_a_remount(self):
        volume = self.new_volume()
        answers(volume.path("tree"))
        listing = ["getfacl", "-R", "-n", "."]
        before = self.place.must(*listing, cwd=volume.path())
        volume.remount()
        self.assertEqual(before, self.place.must(*listing, cwd=volume.path()))
        volume.unmount()
        volume.must_be_clean()


class OrdinaryUser(harness.MountedTest):
    user = harness.NOBODY

    def test_a_default_acl_that_denies_all_to_the_owner_hides_nothing_from_the_mount(self):
        """The volume's own files inherited it: the new directory's marker could not be read."""
        volume = self.new_volume()
        top = volume.path("top")
        self.place.must("mkdir", top)
        self.place.must("setfacl", "-m", "d:u::---,d:g::---,d:o::---", top)
        long_name = "n" * 255
        for name in ("directory", long_name):
            self.place.must("mkdir", os.path.join(top, name))
            self.place.must("ln", "-s", "target", os.path.join(top, name[:-1]))
        volume.remount()
        for name in ("directory", long_name):
            self.assertEqual("d---------\n", self.place.must("stat", "-c", "%A", os.path.join(top, name)))
            self.place.must("chmod", "700", os.path.join(top, name))
            self.assertEqual("target\n", self.place.must("readlink", os.path.join(top, name[:-1])))
            self.place.must("touch", os.path.join(top, name, "inside"))
        self.place.must("rm", "-r", top)
        volume.unmount()
        volume.must_be_clean()


if __name__ == "__main__":
    harness.main(needs_root=True)
