"""Models are checked and run in a room, and one that takes too much is refused there."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from acts.models import rooms
from acts.models.graphs import Graph
from acts.models.rooms import ModelBroken, check_apart, loaded_apart
from acts.models.runtime import check_file
from acts.rooms.limits import Limits
from catalogue.errors import Refused

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.rooms,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux holds all limits"),
]


def _slow(steps: int) -> bytes:
    """A model of sound steps, each of 20,000 numbers of a client: long, and nothing else."""
    wide = numpy_helper.from_array(np.ones((1, 20_000)), "wide")
    nodes = [helper.make_node("Add", ["x", "wide"], ["s0"])]
    nodes += [helper.make_node("Exp", [f"s{at}"], [f"s{at + 1}"]) for at in range(steps)]
    nodes.append(helper.make_node("ReduceSum", [f"s{steps}", "one"], ["y"]))
    one = numpy_helper.from_array(np.asarray([1]), "one")
    ends = [[helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1])] for name in "xy"]
    graph = helper.make_graph(nodes, "g", *ends, [wide, one])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )


def _twice() -> bytes:
    graph = Graph("twice")
    graph.output("y", graph.op("Mul", graph.input("x"), 2.0))
    return graph.file({})


class TestCheckApart:
    async def test_is_what_a_check_here_is(self) -> None:
        content = (HERE / "sklearn-logistic.onnx").read_bytes()
        assert await check_apart(content) == check_file(content)

    async def test_what_is_refused_is_refused_with_every_problem(self) -> None:
        with pytest.raises(Refused) as caught:
            await check_apart((HERE / "sklearn-zipmap.onnx").read_bytes())
        assert "The operator ai.onnx.ml.ZipMap is not allowed" in caught.value.problems()[0].message

    @pytest.mark.parametrize(
        ("limits", "words"),
        [(Limits(cpu_seconds=1), "1 s of processor time"), (Limits(memory_bytes=280_000_000), "280 MB|fails")],
    )
    async def test_one_that_takes_too_much_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, limits: Limits, words: str
    ) -> None:
        monkeypatch.setattr(rooms, "CHECK_LIMITS", limits)
        with pytest.raises(Refused, match=words):
            await check_apart(_slow(200))


class TestLoadedApart:
    async def test_runs_batch_after_batch(self) -> None:
        async with loaded_apart(_twice()) as scorer:
            assert [each.name for each in scorer.inputs] == ["x"]
            assert await scorer.run({"x": [[1.0], [2.5]]}) == {"y": [[2.0], [5.0]]}
            with pytest.raises(Refused, match="fails"):
                await scorer.run({"x": [[1.0, 2.0]]})
            found: Any = await scorer.run({"x": [[float("nan")]]})
            assert found["y"][0][0] != found["y"][0][0]

    async def test_one_that_takes_too_much_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rooms, "RUN_LIMITS", Limits(deadline_seconds=2.0))
        async with loaded_apart(_slow(200)) as scorer:
            with pytest.raises(ModelBroken, match=r"longer than 2 s|processor time"):
                await scorer.run({"x": [[1.0]] * 500})
