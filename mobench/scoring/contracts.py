"""The metric contracts by name, each in a line: what commands say before anything is scored."""

from __future__ import annotations

__all__ = ["CONTRACTS", "DEFAULT"]

DEFAULT = "mobench-2"
"""The contract of campaigns that name none."""

CONTRACTS: dict[str, str] = {
    "mobench-2": "ideal and nadir of the true front, reference 1.1, only what was trained or could have been by then",
    "mobench-1": "ideal and nadir of the true front, reference 1.1, everything a run saw or recommended",
    "evoxbench": "published ideal and nadir, reference 1, the final population (Lu et al. 2023)",
    "modnas": "minimum and maximum of the table without errors of 90 % and more, reference 1 (Sukthanker et al. 2024)",
}
