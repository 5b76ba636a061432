#!/usr/bin/env python3
"""How many requests a second enfold-kmsd answers, beside a null operation of the same server. Figures, not a test.

  kmsd.py --kmsd PROGRAM --load PROGRAM [--seconds N] [--rounds N] [--place DIR]

Over a kept Unix connection and over signed loopback HTTP, with one client and with eight; the operations take turns in
each round, and the medians count. Prints requests a second, half of the latencies and 99 of 100 of them, the ratio to
Enfold.Ping, the daemon's memory, and what `openssl speed` makes of AES-256-GCM on the same machine in the same run.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "aws"))

import unix_client

ACCOUNT = "000000000000"


class Served:
    """A daemon with one principal and one key."""

    def __init__(self, program, directory):
        self.socket = os.path.join(directory, "kms.sock")
        self.log = open(os.path.join(directory, "log"), "w+")
        self.process = subprocess.Popen(
            [program, "--data", os.path.join(directory, "keys"), "--listen", f"unix:{self.socket}", "--listen",
             "http://127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = self._wait_for_port()
        self.ask = unix_client.UnixConnection(self.socket).ask
        self.ask("Enfold.AddPrincipal", {"Account": ACCOUNT, "Name": "bench", "UnixIds": [os.geteuid()]})
        self.credentials = self.ask("Enfold.CreateAccessKey", {"Account": ACCOUNT, "Name": "bench"})

    def _wait_for_port(self):
        while self.process.poll() is None:
            with open(self.log.name) as log:
                found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read())
            if found and os.path.exists(self.socket):
                return found.group(1)
        sys.exit("the daemon ended: " + open(self.log.name).read())

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def requests(served):
    """The measured requests by their names: (target, body)."""
    key = served.ask("TrentService.CreateKey", {})["KeyMetadata"]["KeyId"]
    context = {"volume": "0" * 32, "file": "1" * 32, "purpose": "file key"}
    generate = {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context}
    made = served.ask("TrentService.GenerateDataKey", generate)
    return {
        "Ping": ("Enfold.Ping", {}),
        "Decrypt": ("TrentService.Decrypt",
                    {"CiphertextBlob": made["CiphertextBlob"], "KeyId": key, "EncryptionContext": context}),
        "GenerateDataKey": ("TrentService.GenerateDataKey", generate),
    }


def load(options, served, directory, how, target, body, clients):
    body_file = os.path.join(directory, "body")
    with open(body_file, "w") as file:
        json.dump(body, file)
    place = ["unix", served.socket] if how == "unix" else ["http", served.port]
    signed = "" if how == "unix" else f"{served.credentials['AccessKeyId']} {served.credentials['SecretAccessKey']}"
    done = subprocess.run([options.load, *place, target, body_file, "local", str(clients), str(options.seconds)],
                          input=signed, check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout) | {"memory": served.memory_mib()}


def measure(options, served, directory):
    wanted = requests(served)
    print(f"memory idle: {served.memory_mib():.1f} MiB", flush=True)
    most = 0
    for how in ("unix", "http"):
        for clients in (1, 8):
            rounds = {name: [] for name in wanted}
            for _ in range(options.rounds):
                for name, (target, body) in wanted.items():
                    rounds[name].append(load(options, served, directory, how, target, body, clients))
            medians = {name: {what: statistics.median(one[what] for one in measured) for what in measured[0]}
                       for name, measured in rounds.items()}
            most = max(most, *(one["memory"] for measured in rounds.values() for one in measured))
            for name, figures in medians.items():
                print(f"{how:4} {clients} client(s) {name:16}"
                      f"{figures['per_second']:9.0f}/s  p50 {figures['p50_us']:7.1f} us  p99 {figures['p99_us']:7.1f}"
                      f" us  {figures['per_second'] / medians['Ping']['per_second']:.2f} of Ping", flush=True)
    print(f"memory under load, at most: {most:.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kmsd", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--place", default="/var/tmp", help="where the key store lies meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.place) as directory:
        served = Served(options.kmsd, directory)
        try:
            measure(options, served, directory)
        finally:
            served.stop()
    subprocess.run(["openssl", "speed", "-seconds", "1", "-bytes", "64", "-evp", "aes-256-gcm"], check=True)


if __name__ == "__main__":
    main()
