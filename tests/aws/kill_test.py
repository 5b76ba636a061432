"""The daemon killed after answers and under requests: what it answered is there, the rest whole or not at all."""

import http.client
import itertools
import os
import time

import daemon
import harness
import kms_model
from daemon import ACCOUNT, bytes_of, text_of

ROUNDS = 3000 if harness.IS_LONG else 120
BATCH = "Enfold.BatchDecrypt"


class Killed(daemon.KmsdTest):
    def setUp(self):
        super().setUp()
        self.daemon.admin("RemovePrincipal", Account=ACCOUNT, Name="tester")
        self.credentials = self.daemon.new_principal(unix_ids=[os.geteuid()])
        self.model = kms_model.Model()
        self.model.principals["tester"] = {self.credentials.key_id}
        self.changes = kms_model.Changes(self.random, ACCOUNT)
        self.blobs = []  # (key id, blob, context, plaintext, id of the material)
        self.counts = dict.fromkeys(["answered", "unanswered and done", "unanswered and not done"], 0)

    def ask(self, target, request):
        return self.connection.ask(target, request)

    def change(self):
        """One change, and what its answer promises."""
        change = self.changes.draw(self.model, set())
        change.effect(self.model, self.ask(change.target, change.request), None)
        self.counts["answered"] += 1

    def encrypt(self):
        enabled = sorted(key_id for key_id, key in self.model.keys.items() if key["state"] == "Enabled")
        if enabled:
            key_id, context = self.random.choice(enabled), {"number": str(len(self.blobs))}
            made = self.ask("TrentService.GenerateDataKey",
                            {"KeyId": key_id, "KeySpec": "AES_256", "EncryptionContext": context})
            self.blobs.append((key_id, made["CiphertextBlob"], context, made["Plaintext"], made["KeyMaterialId"]))

    def kill_under_requests(self):
        """Sends changes that do not touch one another, each over a connection of its own, and kills within a moment.
        Returns those that were not answered."""
        taken, under_way = set(), []
        for _ in range(self.random.randint(1, 3)):
            change = self.changes.draw(self.model, taken)
            connection = self.daemon.unix()
            connection.connect()
            under_way.append((change, connection))
        for change, connection in under_way:
            connection.send_request(change.target, change.request)
        time.sleep(self.random.choice([0, self.random.uniform(0, 0.002), self.random.uniform(0, 0.03)]))
        self.daemon.kill()
        unanswered = []
        for change, connection in under_way:
            try:
                answer = connection.answer()
            except (ConnectionError, http.client.HTTPException):
                unanswered.append(change)
            else:
                change.effect(self.model, answer, None)
                self.counts["answered"] += 1
            connection.close()
        return unanswered

    def start_again(self):
        if self.random.randrange(4) == 0:  # also while it starts
            self.daemon.start_and_kill(self.random.uniform(0, 0.05))
        self.daemon.start()
        self.connection = self.daemon.unix()

    def candidates(self, unanswered, shown):
        """The states that are right: each change that was not answered is there or not."""
        for done in itertools.product([False, True], repeat=len(unanswered)):
            state = self.model.copy()
            for change, is_done in zip(unanswered, done):
                if is_done:
                    change.effect(state, None, shown)
            yield state, sum(done)

    def compare(self, unanswered):
        shown = kms_model.seen(self.ask)
        for state, done in self.candidates(unanswered, shown):
            if state.view() == shown:
                self.model = state
                self.model.adopt(shown)
                self.counts["unanswered and done"] += done
                self.counts["unanswered and not done"] += len(unanswered) - done
                return
        self.fail(f"after {unanswered} without an answer the service holds\n{shown}\nand was left with\n"
                  f"{self.model.view()}")

    def compare_ciphertexts(self):
        """Everything that was encrypted under a key that is enabled still opens, by the same material."""
        by_key = {}
        for entry in self.blobs:
            by_key.setdefault(entry[0], []).append(entry)
        for key_id, entries in by_key.items():
            if self.model.keys[key_id]["state"] != "Enabled":
                continue
            request = [{"CiphertextBlob": blob, "EncryptionContext": context} for _, blob, context, _, _ in entries]
            answers = self.ask(BATCH, {"KeyId": key_id, "Entries": request[-1000:]})["Entries"]
            self.assertEqual([(one["Plaintext"], one["KeyMaterialId"]) for one in answers],
                             [(plaintext, material) for _, _, _, plaintext, material in entries[-1000:]])

    def test_random_histories(self):
        self.connection = self.daemon.unix()
        for _ in range(ROUNDS):
            for _ in range(self.random.randrange(8)):
                self.change()
                if self.random.randrange(2):
                    self.encrypt()
            self.connection.close()
            unanswered = []
            if self.random.randrange(3) == 0:
                time.sleep(self.random.uniform(0, 0.003))
                self.daemon.kill()
            else:
                unanswered = self.kill_under_requests()
            self.start_again()
            self.compare(unanswered)
            self.compare_ciphertexts()
        self.connection.close()
        print(f"{ROUNDS} kills, {self.counts}", flush=True)
        self.assertGreater(self.counts["answered"], ROUNDS)

    def test_a_key_that_was_answered_encrypts_after_each_kill(self):
        """The shortest history, killed as soon as the answer is read."""
        for _ in range(ROUNDS // 4):
            connection = self.daemon.unix()
            key_id = connection.ask("TrentService.CreateKey", {})["KeyMetadata"]["KeyId"]
            blob = connection.ask("TrentService.Encrypt", {"KeyId": key_id, "Plaintext": text_of(b"x")})
            self.daemon.kill()
            connection.close()
            self.daemon.start()
            connection = self.daemon.unix()
            opened = connection.ask("TrentService.Decrypt", {"CiphertextBlob": blob["CiphertextBlob"]})
            self.assertEqual(bytes_of(opened["Plaintext"]), b"x")
            connection.close()


if __name__ == "__main__":
    daemon.main()
