"""timm: upstream's numbers, and no speed that was measured at another image size than the error."""

import numpy as np
import pytest

from mobench import Enumerable, nondominated
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import values
from mobench.problems.tables import timm

ROWS = {
    ("error", "params"): 1266,
    ("error", "error:a"): 1265,
    ("error", "latency:rtx5090", "params"): 870,
    ("error", "gmacs"): 870,
    ("error", "throughput:rtx4090_compiled"): 869,
}
SPEED = "infer-amp-nchw-{}:infer_samples_per_sec"


@pytest.fixture(scope="module")
def problem():
    return timm.problem()


@pytest.fixture(scope="module")
def source(shared_data):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    return pandas.read_parquet(shared_data / "timm_results" / "timm.parquet").loc[embedded("timm")["model"]]


@pytest.mark.parametrize(("objectives", "rows"), ROWS.items())
def test_models_count_where_they_have_all_the_objectives(objectives, rows):
    problem = timm.problem(objectives=objectives)
    assert problem.space.size == len(problem.scored) == rows
    assert np.isfinite(problem.scored).all()


def test_every_model_has_the_numbers_of_the_source(source):
    table = embedded("timm")
    assert len(source) == 1266
    for name, theirs in timm.TESTS.items():
        np.testing.assert_allclose(values(table, name), 100 - source[theirs], atol=1e-4)
    np.testing.assert_allclose(values(table, "params"), source["param_count"], rtol=1e-6)
    np.testing.assert_array_equal(table["size"], source["img_size"])
    for gpu, theirs in timm.GPUS.items():
        ours = values(table, f"throughput:{gpu}")
        timed = np.isfinite(ours)
        np.testing.assert_allclose(ours[timed], source[SPEED.format(theirs)][timed], rtol=1e-6)


def test_weights_of_one_architecture_that_have_a_speed_have_one_image_size():
    """Upstream times an architecture once for all of them, here at the smallest of their sizes."""
    table = embedded("timm")
    timed = np.isfinite(values(table, "throughput:rtx5090"))
    architectures = np.array([model.partition(".")[0] for model in table["model"]])
    sizes = table["size"]
    for architecture in np.unique(architectures):
        of = architectures == architecture
        if (of & timed).any():
            assert set(sizes[of & timed]) == {sizes[of].min()}
    models = table["model"].tolist()
    assert not timed[models.index("resnet50.a1_in1k")]  # tested at 288 pixels, timed at 160
    assert timed[models.index("vit_base_patch16_clip_384.openai_ft_in1k")]


def test_joined_by_the_architectures_name_alone_the_front_has_the_124_models_of_a_faulty_join(source):
    latency = 1000 / source[SPEED.format(timm.GPUS["rtx5090"])]
    F = np.column_stack([100 - source["top1"], latency, source["param_count"]]).astype(float)
    assert nondominated(F).sum() == 124


def test_the_best_model_and_the_front_are_the_known_ones(problem):
    X, F = problem.front()
    assert isinstance(problem, Enumerable)
    assert len(X) == 120
    assert problem.decode(X[[F[:, 0].argmin()]]) == ["eva02_large_patch14_448.mim_m38m_ft_in22k_in1k"]
    assert F[:, 0].min() == pytest.approx(100 - 90.056)


def test_latency_is_the_inverse_of_throughput():
    both = timm.problem(objectives=("latency:pro6000", "throughput:pro6000"))
    np.testing.assert_allclose(both.scored[:, 0] * both.scored[:, 1], 1000)
    assert [objective.maximise for objective in both.objectives] == [False, True]
    assert {objective.scale for objective in both.objectives} == {"log"}


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="did you mean 'latency:rtx5090'"):
        timm.problem(objectives=("error", "latency:rtx509"))
