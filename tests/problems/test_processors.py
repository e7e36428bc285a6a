"""What identifies a table is part of every log, and so the same whatever a processor's libraries add up first."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import mobench
from mobench import Fingerprinted
from mobench.campaigns.suites import find_suite
from mobench.plugins.references import parse_reference

labels = {spec.problem_label for spec in mobench.read_campaign(find_suite("all-1")).specs}
for label in sorted(labels | {"motif_chain", "motif_transformer", "motif:objectives=[error,latency:cpu_b1]"}):
    problem = mobench.make_problem(*parse_reference(label))
    print(label, problem.fingerprint if isinstance(problem, Fingerprinted) else "-")
"""


def fingerprints(**environment: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def here() -> list[str]:
    return fingerprints()


def test_kernels_of_another_processor_leave_tables_as_they_are(here: list[str]) -> None:
    assert fingerprints(OPENBLAS_CORETYPE="Nehalem", NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD") == here
    assert sum(not line.endswith(" -") for line in here) > 15


def test_tables_of_seeds_are_those_of_every_processor_so_far(here: list[str]) -> None:
    found = dict(line.rsplit(" ", 1) for line in here)
    assert found["motif"] == "7d0d9dc9eb5d30c2"
    assert found["motif_chain"] == "68477636aa42ec3b"
    assert found["motif_transformer"] == "fed622483ea19c9b"
