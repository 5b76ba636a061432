#!/usr/bin/env python3
"""Checks the repository itself: check.py looks at all files, check.py --canary shows that each rule can fail."""

import os
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

import calls
import files
import includes
from tree import Tree

MODULES = [includes, calls, files]


def check_repository(root):
    tree = Tree.of_repository(root)
    findings = [finding for module in MODULES for rule in module.RULES for finding in rule(tree)]
    print("\n".join(findings) or f"{len(tree.paths)} files, nothing found")
    return not findings


def check_canaries():
    """Each rule must go red on each of its samples, and must stay green on the innocent ones."""
    canaries = [(rule, Tree(sample)) for module in MODULES for rule, sample in module.CANARIES]
    canaries.append((files.golden_is_only_added_to, Tree({}, golden_changes=["tests/golden/v1/enfold.volume"])))
    innocent = [(rule, Tree(sample)) for module in MODULES for rule, sample in getattr(module, "INNOCENT", [])]

    asleep = [(rule, tree) for rule, tree in canaries if not list(rule(tree))]
    alarmed = [(rule, tree) for rule, tree in innocent if list(rule(tree))]
    unproven = [r for module in MODULES for r in module.RULES if r not in [rule for rule, _ in canaries]]

    for rule, tree in asleep:
        print(f"{rule.__name__} finds nothing wrong in {tree.texts}")
    for rule, tree in alarmed:
        print(f"{rule.__name__} finds fault with {tree.texts}: {list(rule(tree))}")
    for rule in unproven:
        print(f"{rule.__name__} has no canary")
    print(f"{len(canaries)} canaries, {len(innocent)} innocent samples")
    return not (asleep or alarmed or unproven)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    passed = check_canaries() if "--canary" in sys.argv[1:] else check_repository(os.path.join(here, "..", ".."))
    sys.exit(0 if passed else 1)
