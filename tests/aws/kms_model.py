"""What a key service must hold after a history of changes, and the changes that make one.

A change has a target and a request; its effect() is what an answer promises. Of a change that was not answered it says
what would be there if it was done: `answer` is None then, and `seen`, what the service shows, tells names that only
the service knew.
"""

import copy


class Anything:
    """Equals what the service has chosen."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        raise TypeError("no key of a dictionary")

    def __repr__(self):
        return "(anything)"


ANYTHING = Anything()


class Model:
    def __init__(self):
        self.keys = {}  # id -> dictionary as made by new_key()
        self.aliases = {}  # name -> id
        self.principals = {}  # name -> set of access key ids

    def copy(self):
        return copy.deepcopy(self)

    def view(self):
        """As seen() shows a service."""
        keys = {}
        for key_id, key in self.keys.items():
            pending = key["state"] == "PendingDeletion"
            keys[key_id] = {
                "state": key["state"], "description": key["description"], "tags": key["tags"],
                "deletion": key["deletion"] if pending else None, "period": None if pending else key["period"],
                "materials": key["materials"] if key["state"] == "Enabled" else key["materials"][-1:]}
        return {"keys": keys, "aliases": self.aliases, "principals": self.principals}

    def adopt(self, view):
        """Takes over what the service had chosen, once it was compared."""
        for key_id, key in self.keys.items():
            shown = view["keys"][key_id]
            key["deletion"] = shown["deletion"]
            key["materials"][-len(shown["materials"]):] = shown["materials"]


def new_key(description, tags):
    return {"state": "Enabled", "description": description, "tags": tags, "deletion": None, "period": None,
            "materials": [ANYTHING]}


def _all(ask, target, member, **request):
    found, marker = [], {}
    while True:
        page = ask(target, {**request, **marker})
        found += page[member]
        if not page["Truncated"]:
            return found
        marker = {"Marker": page["NextMarker"]}


def seen(ask):
    """What a service holds: ask(target, request) is an administrator's and a principal's."""
    keys = {entry["KeyId"]: _seen_key(ask, entry["KeyId"]) for entry in _all(ask, "TrentService.ListKeys", "Keys")}
    aliases = {entry["AliasName"]: entry["TargetKeyId"] for entry in _all(ask, "TrentService.ListAliases", "Aliases")
               if not entry["AliasName"].startswith("alias/aws/")}
    principals = {entry["Name"]: set(entry["AccessKeyIds"])
                  for entry in ask("Enfold.ListPrincipals", {})["Principals"]}
    return {"keys": keys, "aliases": aliases, "principals": principals}


def _seen_key(ask, key_id):
    key = {"KeyId": key_id}
    metadata = ask("TrentService.DescribeKey", key)["KeyMetadata"]
    materials = [metadata["CurrentKeyMaterialId"]]
    if metadata["KeyState"] == "Enabled":
        rotations = _all(ask, "TrentService.ListKeyRotations", "Rotations", **key,
                         IncludeKeyMaterial="ALL_KEY_MATERIAL")
        materials = [entry["KeyMaterialId"] for entry in rotations]
        assert materials[-1] == metadata["CurrentKeyMaterialId"], rotations
    return {"state": metadata["KeyState"], "description": metadata["Description"],
            "tags": {tag["TagKey"]: tag["TagValue"]
                     for tag in _all(ask, "TrentService.ListResourceTags", "Tags", **key)},
            "deletion": metadata.get("DeletionDate"),
            "period": ask("TrentService.GetKeyRotationStatus", key).get("RotationPeriodInDays"), "materials": materials}


class Change:
    def __init__(self, target, request, effect):
        self.target, self.request, self.effect = target, request, effect

    def __repr__(self):
        return f"{self.target} {self.request}"


class Changes:
    """Draws changes that the model's state allows, each about what `taken` does not hold yet."""

    def __init__(self, random, account):
        self.random, self.account, self.count = random, account, 0

    def draw(self, model, taken):
        while True:
            change = self.random.choice(self.KINDS)(self, model, taken)
            if change:
                return change

    def _name(self):
        self.count += 1
        return f"n{self.count}"

    def _pick(self, names, taken):
        free = sorted(name for name in names if name not in taken)
        if not free:
            return None
        chosen = self.random.choice(free)
        taken.add(chosen)
        return chosen

    def _key(self, model, taken, *states):
        return self._pick([k for k, key in model.keys.items() if not states or key["state"] in states], taken)

    def create_key(self, model, taken):
        if len(model.keys) >= 12:
            return None
        description, tags = self._name(), {self._name(): self._name() for _ in range(self.random.randrange(3))}

        def effect(state, answer, shown):
            if answer:
                key_id = answer["KeyMetadata"]["KeyId"]
            else:
                key_id = next((k for k, key in shown["keys"].items() if key["description"] == description), None)
            if key_id:
                state.keys[key_id] = new_key(description, tags)

        listed = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
        return Change("TrentService.CreateKey", {"Description": description, "Tags": listed}, effect)

    def _of_key(self, operation, model, taken, states, more, effect):
        key_id = self._key(model, taken, *states)
        if key_id is None:
            return None
        return Change(f"TrentService.{operation}", {"KeyId": key_id} | more,
                      lambda state, answer, shown: effect(state.keys[key_id], answer))

    def enable(self, model, taken):
        return self._of_key("EnableKey", model, taken, ["Enabled", "Disabled"], {},
                            lambda key, answer: key.update(state="Enabled"))

    def disable(self, model, taken):
        return self._of_key("DisableKey", model, taken, ["Enabled", "Disabled"], {},
                            lambda key, answer: key.update(state="Disabled"))

    def describe(self, model, taken):
        text = self._name()
        return self._of_key("UpdateKeyDescription", model, taken, ["Enabled", "Disabled"], {"Description": text},
                            lambda key, answer: key.update(description=text))

    def tag(self, model, taken):
        name, value = self.random.choice("abcde"), self._name()
        return self._of_key("TagResource", model, taken, ["Enabled", "Disabled"],
                            {"Tags": [{"TagKey": name, "TagValue": value}]},
                            lambda key, answer: key["tags"].update({name: value}))

    def untag(self, model, taken):
        name = self.random.choice("abcde")
        return self._of_key("UntagResource", model, taken, ["Enabled", "Disabled"], {"TagKeys": [name]},
                            lambda key, answer: key["tags"].pop(name, None))

    def schedule(self, model, taken):
        def effect(key, answer):
            key.update(state="PendingDeletion", deletion=answer["DeletionDate"] if answer else ANYTHING)

        return self._of_key("ScheduleKeyDeletion", model, taken, ["Enabled", "Disabled"],
                            {"PendingWindowInDays": self.random.randint(7, 30)}, effect)

    def cancel(self, model, taken):
        return self._of_key("CancelKeyDeletion", model, taken, ["PendingDeletion"], {},
                            lambda key, answer: key.update(state="Disabled", deletion=None))

    def rotate(self, model, taken):
        key_id = self._key(model, taken, "Enabled")
        if key_id is None or len(model.keys[key_id]["materials"]) > 25:
            return None
        return Change("TrentService.RotateKeyOnDemand", {"KeyId": key_id},
                      lambda state, answer, shown: state.keys[key_id]["materials"].append(ANYTHING))

    def rotate_automatically(self, model, taken):
        days = self.random.randint(90, 2560)
        return self._of_key("EnableKeyRotation", model, taken, ["Enabled"], {"RotationPeriodInDays": days},
                            lambda key, answer: key.update(period=days))

    def rotate_no_more(self, model, taken):
        return self._of_key("DisableKeyRotation", model, taken, ["Enabled"], {},
                            lambda key, answer: key.update(period=None))

    def create_alias(self, model, taken):
        key_id, name = self._key(model, taken, "Enabled", "Disabled"), f"alias/{self._name()}"
        return key_id and self._alias("CreateAlias", name, key_id)

    def update_alias(self, model, taken):
        name, key_id = self._pick(model.aliases, taken), self._key(model, taken, "Enabled", "Disabled")
        return name and key_id and self._alias("UpdateAlias", name, key_id)

    def _alias(self, operation, name, key_id):
        return Change(f"TrentService.{operation}", {"AliasName": name, "TargetKeyId": key_id},
                      lambda state, answer, shown: state.aliases.update({name: key_id}))

    def delete_alias(self, model, taken):
        name = self._pick(model.aliases, taken)
        return name and Change("TrentService.DeleteAlias", {"AliasName": name},
                               lambda state, answer, shown: state.aliases.pop(name))

    def add_principal(self, model, taken):
        name = self._name()
        return Change("Enfold.AddPrincipal", {"Account": self.account, "Name": name, "UnixIds": []},
                      lambda state, answer, shown: state.principals.update({name: set()}))

    def remove_principal(self, model, taken):
        name = self._pick([name for name in model.principals if name != "tester"], taken)
        return name and Change("Enfold.RemovePrincipal", {"Account": self.account, "Name": name},
                               lambda state, answer, shown: state.principals.pop(name))

    def create_access_key(self, model, taken):
        name = self._pick([name for name, keys in model.principals.items() if len(keys) < 2], taken)

        def effect(state, answer, shown):
            made = {answer["AccessKeyId"]} if answer else shown["principals"][name]
            state.principals[name] |= made

        return name and Change("Enfold.CreateAccessKey", {"Account": self.account, "Name": name}, effect)

    def delete_access_key(self, model, taken):
        name = self._pick([name for name, keys in model.principals.items() if keys and name != "tester"], taken)
        if name is None:
            return None
        key = sorted(model.principals[name])[0]
        return Change("Enfold.DeleteAccessKey", {"AccessKeyId": key},
                      lambda state, answer, shown: state.principals[name].discard(key))

    KINDS = [create_key, create_key, enable, enable, disable, describe, tag, untag, schedule, cancel, cancel, rotate,
             rotate, rotate_automatically, rotate_no_more, create_alias, update_alias, delete_alias, add_principal,
             remove_principal, create_access_key, delete_access_key]
