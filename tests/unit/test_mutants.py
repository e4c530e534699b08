"""The table of mutants does not rot: each still applies, and each rule has some."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import agentcore
from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_still_applies(mutant: Mutant) -> None:
    text = Path(agentcore.__file__).parent.joinpath(mutant.file).read_text()
    assert text.count(mutant.old) == 1
    changed = text.replace(mutant.old, mutant.new)
    compile(changed, mutant.file, "exec")
    assert changed != text
    assert (ROOT / mutant.tests[0]).is_file()


def test_each_rule_has_its_mutants() -> None:
    rules = Counter(mutant.rule for mutant in MUTANTS)
    assert sorted(rules) == list(range(1, 11))
    assert min(rules.values()) >= 2
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
