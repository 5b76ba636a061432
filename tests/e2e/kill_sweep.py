"""Runs of one history, each hindered at another call below (lower_calls.cc): two at once, in volumes of their own.

By default a random choice of them; with ENFOLD_LONG=1 all."""

import os
import pickle
import struct
import tempfile

import harness

AT_ONCE = 2


def hindered(place, below, count, at, act, on=False):
    """The environment of a program in which call number `at` at or below a directory is special; `count` names the
    file that counts them."""
    with open(count, "wb") as file:
        file.write(bytes(8))
    return place.environment | {
        "LD_PRELOAD": os.environ["ENFOLD_LOWER_CALLS"], "ENFOLD_CALLS_BELOW": below, "ENFOLD_CALLS_AT": str(at),
        "ENFOLD_CALLS_DO": str(act), "ENFOLD_CALLS_ON": "1" if on else "", "ENFOLD_CALLS_COUNT": count}


def counted(count):
    with open(count, "rb") as file:
        return struct.unpack("<Q", file.read())[0]


class SweepTest(harness.MountedTest):
    """`templates`, AT_ONCE of them, are for the subclass to set; they have said() and clear()."""

    def sweep(self, runs, most):
        """runs: (function, its arguments after the template), done by two at once."""
        runs = list(runs)
        if not harness.IS_LONG:
            runs = self.random.sample(runs, min(most, len(runs)))
        # In processes: a program started by one thread would for a moment hold what another has open in its mount.
        children = [self.begin_work(number, runs[number::AT_ONCE]) for number in range(AT_ONCE)]
        problems = sum([self.end_work(*child) for child in children], [])
        print(f"{len(runs)} runs of {self.calls} calls", flush=True)
        if problems:
            self.fail(f"{len(problems)} problems:\n" + "\n".join(problems[:20]))

    def begin_work(self, number, runs):
        answer = tempfile.TemporaryFile()
        child = os.fork()
        if child == 0:
            try:
                pickle.dump(self.work(self.templates[number], runs), answer)
                answer.flush()
            finally:
                os._exit(0)
        return child, answer

    def end_work(self, child, answer):
        os.waitpid(child, 0)
        with answer:
            answer.seek(0)
            return pickle.load(answer)

    def work(self, template, runs):
        problems = []
        for function, *arguments in runs:
            try:
                function(template, *arguments)
            except Exception as problem:
                problems.append(f"{function.__name__}{tuple(arguments)}: {problem!r}\n{template.said()}")
                template.clear()
        return problems
