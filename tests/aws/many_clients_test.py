"""Eight clients at once: each gets its own answers, and what one changed the others see."""

import collections
import concurrent.futures
import random
import threading

import daemon
import harness
from unix_client import ServiceError

CLIENTS = 8
TURNS = 2000 if harness.IS_LONG else 150


class ManyClients(daemon.KmsdTest):
    def run_all(self, work):
        """Runs work(number, client, random) in as many threads as there are clients, each with its own connections."""
        def run(number):
            return work(number, self.boto(), random.Random(f"{harness.SEED}/{number}"))

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(run, range(CLIENTS)))

    def test_answers_are_not_mixed_up(self):
        keys = [self.new_key(self.boto())["KeyId"] for _ in range(4)]

        def work(number, client, rng):
            for turn in range(TURNS):
                key, context = rng.choice(keys), {"client": str(number), "turn": str(turn)}
                plaintext = rng.randbytes(rng.randint(1, 4096))
                sealed = client.call("Encrypt", KeyId=key, Plaintext=plaintext, EncryptionContext=context)
                opened = client.call("Decrypt", CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
                self.assertEqual(opened["Plaintext"], plaintext)
                self.assertTrue(opened["KeyId"].endswith(key))

        self.run_all(work)

    def test_changes_by_all_of_them_all_happen(self):
        def work(number, client, rng):
            made = []
            for turn in range(TURNS // 10):
                key = self.new_key(client, Description=f"{number}/{turn}")["KeyId"]
                client.call("CreateAlias", AliasName=f"alias/{number}/{turn}", TargetKeyId=key)
                client.call("TagResource", KeyId=key, Tags=[{"TagKey": "turn", "TagValue": str(turn)}])
                if turn % 3 == 0:
                    client.call("DisableKey", KeyId=key)
                made.append(key)
            return made

        made = [key for keys in self.run_all(work) for key in keys]
        client = self.boto()
        listed = [entry["KeyId"] for page in client.pages("ListKeys", 50) for entry in page["Keys"]]
        self.assertEqual(sorted(made), sorted(listed))
        aliases = {alias["AliasName"]: alias.get("TargetKeyId")
                   for page in client.pages("ListAliases", 50) for alias in page["Aliases"]}
        for key in listed:
            described = client.call("DescribeKey", KeyId=key)["KeyMetadata"]
            turn = int(described["Description"].split("/")[1])
            self.assertEqual(described["KeyState"], "Disabled" if turn % 3 == 0 else "Enabled")
            self.assertEqual(aliases[f"alias/{described['Description']}"], key)

    def test_one_of_all_who_want_a_name_gets_it(self):
        keys = [self.new_key(self.boto())["KeyId"] for _ in range(CLIENTS)]
        together = threading.Barrier(CLIENTS)

        def work(number, client, rng):
            won = []
            for turn in range(20):
                together.wait()
                try:
                    client.call("CreateAlias", AliasName=f"alias/{turn}", TargetKeyId=keys[number])
                    won.append(turn)
                except ServiceError as error:
                    self.assertEqual(error.code, "AlreadyExistsException")
            return won

        won = collections.Counter(turn for turns in self.run_all(work) for turn in turns)
        self.assertEqual(won, dict.fromkeys(range(20), 1))

    def test_a_key_that_goes_on_and_off_is_never_anything_else(self):
        key = self.new_key(self.boto())
        blob = self.boto().call("Encrypt", KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]

        def work(number, client, rng):
            outcomes = collections.Counter()
            for _ in range(TURNS):
                if number == 0:
                    client.call(rng.choice(["EnableKey", "DisableKey"]), KeyId=key["KeyId"])
                    continue
                try:
                    self.assertEqual(client.call("Decrypt", CiphertextBlob=blob)["Plaintext"], b"x")
                    outcomes["answered"] += 1
                except ServiceError as error:
                    self.assertEqual((error.code, error.message), ("DisabledException", f"{key['Arn']} is disabled."))
                    outcomes["refused"] += 1
            return outcomes

        total = sum(self.run_all(work), collections.Counter())
        self.assertEqual(total.total(), (CLIENTS - 1) * TURNS)


if __name__ == "__main__":
    daemon.main()
