"""Fixtures of all tests: reference data where it is present, and a data folder of its own for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: tiny networks, one thread

# No deadlines: a loaded machine is not a failure. On CI the same examples every time; elsewhere new ones.
settings.register_profile(
    "mobench",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("mobench")

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def own_data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty MOBENCH_DATA for each test; it is made when something is put there."""
    folder = tmp_path_factory.getbasetemp() / "data" / f"{abs(hash(request.node.nodeid)):x}"
    before = os.environ.get("MOBENCH_DATA")
    os.environ["MOBENCH_DATA"] = str(folder)
    yield folder
    os.environ.pop("MOBENCH_DATA")
    if before is not None:
        os.environ["MOBENCH_DATA"] = before


@pytest.fixture(autouse=True)
def own_plugins() -> Iterator[None]:
    """Plugin files that a test makes known are forgotten after it."""
    from mobench.plugins.sources import using

    with using():
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of reference data of other projects: $MOBENCH_SHARED_DATA, else ../shared/data beside the repository."""
    folder = Path(os.environ.get("MOBENCH_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"reference data not at {folder}; set MOBENCH_SHARED_DATA to where it is")
    return folder


@pytest.fixture(scope="session")
def nasbench201_imported(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder with NAS-Bench-201's CSVs and HELP's latencies, imported once."""
    from mobench.problems.tables import nasbench201

    folder = tmp_path_factory.mktemp("nasbench201")
    nasbench201.add_data(shared_data / "nasbench201", folder=folder, progress=False)
    return folder


@pytest.fixture
def nasbench201_data(nasbench201_imported: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder as MOBENCH_DATA of one test, which must not write to it."""
    monkeypatch.setenv("MOBENCH_DATA", str(nasbench201_imported))
    return nasbench201_imported
