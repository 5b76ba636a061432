"""A volume whose mount runs in the foreground, so that what it logs is at hand when a test fails."""

import os
import subprocess
import time

import harness


class CrashVolume(harness.Volume):
    def __init__(self, place, name="volume", lower=None):
        super().__init__(place, name, lower)
        self.log = os.path.join(place.path, f"{name}.log")

    def try_mount(self, *arguments, environment=None):
        """The exit code where it ended before it was mounted; None where it is mounted now."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.place.program, "mount", "-f", self.lower, self.mountpoint, *arguments],
                                            env=environment or self.place.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        self.place.adopt(self.process.pid)
        while self.process.poll() is None:
            if self.answers():
                return None
            time.sleep(0.005)
        return self.process.returncode

    def answers(self):
        """Whether something is mounted there that is not a dead mount about to be cleared away: of that one stat still
        answers from the kernel's cache."""
        try:
            os.statvfs(self.mountpoint)
            return os.stat(self.mountpoint).st_dev != os.stat(os.path.dirname(self.mountpoint)).st_dev
        except OSError:
            return False

    def mount(self, *arguments, environment=None):
        code = self.try_mount(*arguments, environment=environment)
        if code is not None:
            raise AssertionError(f"mount ended with {code}: {self.said()}")
        self.options = arguments
        return self

    def unmount(self):
        done = self.try_unmount()
        if done.returncode != 0:
            raise AssertionError(f"umount: {done.stderr}{self.said()}")
        self.ended(0)

    def try_unmount(self):
        """Whoever looks up a path at this moment makes the mount busy for as long."""
        while (done := self.place.run("umount", self.mountpoint)).returncode == 32 and "busy" in done.stderr:
            time.sleep(0.01)
        return done

    def ended(self, expected):
        code = self.process.wait()
        if code != expected:
            raise AssertionError(f"the mount's process ended with {code}, not {expected}: {self.said()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def leftovers(self):
        """What check finds that is ours and harmless; anything else is an error."""
        done = self.check()
        *findings, _ = done.stdout.splitlines() or [""]
        if done.returncode > 1 or [one for one in findings if not one.startswith("leftover: ")]:
            raise AssertionError(f"check ended with {done.returncode}:\n{done.stdout}{done.stderr}{self.said()}")
        return findings

    def wait_until_recovered(self):
        while self.json("status", self.lower).get("recovering"):
            time.sleep(0.02)
