"""Models as people build them are clean; a few of the zoo, the whole of which `python -m tests.models.zoo` looks at."""

from __future__ import annotations

import pytest

from tests.models.zoo import GRAPHS, rows


@pytest.mark.parametrize("stack", ["keras3", "tf_keras"])
@pytest.mark.parametrize("name", ["transformer", "vae", "vq_vae", "experts", "contrastive", "wide_and_deep"])
def test_a_model_of_the_zoo_is_clean(name: str, stack: str) -> None:
    found = rows(name, stack, log=True)
    assert len(found) == 2 * len(GRAPHS)
    assert {row.line(): row.text for row in found if not row.clean} == {}
