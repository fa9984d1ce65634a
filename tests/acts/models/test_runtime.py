"""Which files are run, which are refused and why, and what comes out of them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acts.models.files import MOST_BYTES, TensorKind
from acts.models.graphs import Graph
from acts.models.operators import ALLOWED
from acts.models.runtime import Scorer, check_file
from catalogue.errors import ErrorCode, Refused

HERE = Path(__file__).parent
DOUBLE, FLOAT, STRING = TensorProto.DOUBLE, TensorProto.FLOAT, TensorProto.STRING


def _file(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: tuple[Any, ...] = ()) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def _value(name: str, *shape: int | str | None, of: int = DOUBLE) -> Any:
    return helper.make_tensor_value_info(name, of, list(shape))


def _refusals(content: bytes) -> list[str]:
    with pytest.raises(Refused) as caught:
        check_file(content)
    assert {each.code for each in caught.value.problems()} == {ErrorCode.MODEL_REFUSED}
    return [each.message for each in caught.value.problems()]


class TestCheckFile:
    def test_says_what_is_in_it(self) -> None:
        graph = Graph("twice")
        x, kind = graph.input("x"), graph.input("kind", "string")
        graph.output("y", graph.op("Mul", x, 2.0))
        graph.output("label", graph.op("Identity", kind), "string")
        found = check_file(graph.file({"name": "twice", "metrics": {"auc": 0.5}, "odd": "{no json"}))
        assert [(each.name, each.kind, each.width) for each in found.inputs] == [
            ("x", TensorKind.NUMBER, 1),
            ("kind", TensorKind.STRING, 1),
        ]
        assert [(each.name, each.kind) for each in found.outputs] == [
            ("y", TensorKind.NUMBER),
            ("label", TensorKind.STRING),
        ]
        assert found.operators == ("Identity", "Mul")
        assert found.metadata == {"name": "twice", "metrics": {"auc": 0.5}, "odd": "{no json"}

    def test_pickle(self) -> None:
        assert _refusals(pickle.dumps({"a": 1})) == [
            "This is a pickle, which could run any program; send an ONNX file, made by skl2onnx."
        ]

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x08\x12\x00"])
    def test_no_onnx(self, content: bytes) -> None:
        assert _refusals(content)[0].startswith("This is no sound ONNX file: ")

    def test_too_big(self) -> None:
        assert _refusals(b"\x08" * (MOST_BYTES + 1)) == ["The file has 2,097,153 bytes; a model has up to 2,097,152."]

    @pytest.mark.parametrize("operator", ["RandomNormalLike", "NonZero", "Sinh2"])
    def test_operator_that_is_not_allowed(self, operator: str) -> None:
        node = helper.make_node(operator, ["x"], ["y"], domain="own" if operator == "Sinh2" else "")
        graph = helper.make_graph([node], "g", [_value("x", None, 1)], [_value("y", None, 1)])
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        content = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
        name = "own.Sinh2" if operator == "Sinh2" else operator
        assert f"The operator {name} is not allowed; docs/models.md lists those that are." in _refusals(content)

    def test_loop(self) -> None:
        body = helper.make_graph(
            [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["v"], ["w"])],
            "body",
            [_value("i", of=TensorProto.INT64), _value("c", of=TensorProto.BOOL), _value("v", None, 1)],
            [_value("d", of=TensorProto.BOOL), _value("w", None, 1)],
        )
        forever = numpy_helper.from_array(np.asarray(2**62), "n")
        node = helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)
        found = _refusals(_file([node], [_value("x", None, 1)], [_value("y", None, 1)], (forever,)))
        assert found == [
            "The operator Loop is not allowed; docs/models.md lists those that are.",
            "The operator Loop holds a graph of its own; loops and branches are not allowed.",
        ]

    def test_constant_in_another_file(self) -> None:
        constant = numpy_helper.from_array(np.ones((1, 1)), "c")
        onnx.external_data_helper.set_external_data(constant, "/etc/passwd")
        constant.ClearField("raw_data")
        constant.data_location = TensorProto.EXTERNAL
        node = helper.make_node("Add", ["x", "c"], ["y"])
        words = "The constant c lies in another file; save the model as one file."
        ends = [_value("x", None, 1)], [_value("y", None, 1)]
        assert _refusals(_file([node], *ends, (constant,))) == [words]
        # In a step, or in a graph in one; nobody looks whether there is such a file.
        step = helper.make_node("Constant", [], ["c"], value=constant)
        assert _refusals(_file([step, node], *ends)) == [words]
        inner = helper.make_graph([step], "inner", [], [_value("c", 1, 1)])
        branch = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
        assert _refusals(_file([branch], *ends))[0] == words

    def test_step_that_takes_too_much_room(self) -> None:
        row = numpy_helper.from_array(np.ones((1, 2000)), "row")
        nodes = [
            helper.make_node("Add", ["x", "row"], ["wide"]),
            helper.make_node("Unsqueeze", ["wide", "at"], ["column"]),
            helper.make_node("Unsqueeze", ["wide", "before"], ["line"]),
            helper.make_node("Mul", ["column", "line"], ["square"]),
            helper.make_node("ReduceSum", ["square", "both"], ["sum"], keepdims=0),
            helper.make_node("Unsqueeze", ["sum", "before"], ["y"]),
        ]
        axes = {"at": [2], "before": [1], "both": [1, 2]}
        constants = (row, *(numpy_helper.from_array(np.asarray(value), name) for name, value in axes.items()))
        assert _refusals(_file(nodes, [_value("x", None, 1)], [_value("y", None, 1)], constants)) == [
            "The step square makes 4,000,000 numbers of a client; 20,000 are the most."
        ]

    def test_step_whose_size_is_not_known_beforehand(self) -> None:
        # A slice as wide as a number among the inputs says, doubled again and again.
        nodes = [
            helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
            helper.make_node("Cast", ["m"], ["i"], to=TensorProto.INT64),
            helper.make_node("Reshape", ["i", "one"], ["ends"]),
            helper.make_node("Slice", ["row", "zero", "ends", "one"], ["a"]),
            *(
                helper.make_node("Concat", ["a" if at == 0 else f"c{at - 1}"] * 2, [f"c{at}"], axis=1)
                for at in range(20)
            ),
            helper.make_node("ReduceSum", ["c19", "one"], ["s"], keepdims=1),
            helper.make_node("Add", ["x", "s"], ["y"]),
        ]
        row = numpy_helper.from_array(np.ones((1, 1000)), "row")
        numbers = [numpy_helper.from_array(np.asarray([at]), name) for at, name in enumerate(("zero", "one"))]
        found = _refusals(_file(nodes, [_value("x", None, 1)], [_value("y", None, 1)], (row, *numbers)))
        assert found[0] == "The step a is of a size that cannot be known before it runs; give it a fixed one."
        assert len(found) <= 50

    def test_products_that_take_too_long(self) -> None:
        square = numpy_helper.from_array(np.ones((1000, 1000), dtype=np.float32)[:1], "line")
        column = numpy_helper.from_array(np.ones((1000, 1), dtype=np.float32), "column")
        nodes = [
            helper.make_node("MatMul", ["column", "line"], ["p0"]),
            *(helper.make_node("MatMul", [f"p{at}", f"p{at}"], [f"p{at + 1}"]) for at in range(6)),
            helper.make_node("ReduceSum", ["p6", "both"], ["s"], keepdims=1),
            helper.make_node("Add", ["x", "s"], ["y"]),
        ]
        both = numpy_helper.from_array(np.asarray([0, 1]), "both")
        ends = [_value("x", None, 1, of=FLOAT)], [_value("y", None, 1, of=FLOAT)]
        assert _refusals(_file(nodes, *ends, (square, column, both))) == [
            "Products of tables take 6,001,000,000 multiplications; 5,000,000,000 are the most."
        ]

    def test_rows_that_know_of_each_other(self) -> None:
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["x", "m"], ["y"]),
        ]
        assert _refusals(_file(nodes, [_value("x", None, 1)], [_value("y", None, 1)])) == [
            "The output y of a client hangs on the other clients it is scored with."
        ]

    def test_fixed_number_of_rows(self) -> None:
        node = helper.make_node("Identity", ["x"], ["y"])
        found = _refusals(_file([node], [_value("x", 1, 1)], [_value("y", 1, 1)]))
        assert found[0] == "The input x has the shape (1, 1); one row a client is wanted, as (None, columns)."

    def test_type_that_is_no_table(self) -> None:
        node = helper.make_node("Identity", ["x"], ["y"])
        of = TensorProto.COMPLEX64
        found = _refusals(_file([node], [_value("x", None, 1, of=of)], [_value("y", None, 1, of=of)]))
        assert "complex64" in found[0]


class TestOfScikitLearn:
    """Files that skl2onnx 1.20 has made of scikit-learn 1.9 models of three columns, fitted on random numbers."""

    @pytest.mark.parametrize("name", ["logistic", "boosting"])
    def test_classifiers_run(self, name: str) -> None:
        content = (HERE / f"sklearn-{name}.onnx").read_bytes()
        file = check_file(content)
        assert [(each.name, each.width) for each in file.inputs] == [("X", 3)]
        assert [(each.name, each.kind, each.width) for each in file.outputs] == [
            ("label", TensorKind.INTEGER, 1),
            ("probabilities", TensorKind.NUMBER, 2),
        ]

    def test_answers_are_those_of_scikit_learn(self) -> None:
        # predict_proba of the pipeline of imputer, scaler and regression said 0.22576296, 0.77423704
        scorer = Scorer((HERE / "sklearn-logistic.onnx").read_bytes())
        found = scorer.run({"X": [[0.5, -0.2, float("nan")]]})
        assert found["probabilities"][0] == pytest.approx([0.22576296, 0.77423704], abs=1e-6)
        assert found["label"] == [[1]]

    def test_maps_are_refused_with_the_way_out(self) -> None:
        found = _refusals((HERE / "sklearn-zipmap.onnx").read_bytes())
        assert found[0].startswith(
            "The operator ai.onnx.ml.ZipMap is not allowed (export a classifier with the option zip"
        )


class TestAllowed:
    def test_every_operator_exists(self) -> None:
        known = {(each.domain, each.name) for each in onnx.defs.get_all_schemas()}
        assert {(domain, name) for domain, names in ALLOWED.items() for name in names} - known == set()

    def test_none_holds_a_graph_or_draws(self) -> None:
        schemas = {(each.domain, each.name): each for each in onnx.defs.get_all_schemas()}
        graph = onnx.defs.OpSchema.AttrType.GRAPH
        for domain, names in ALLOWED.items():
            for name in names:
                attributes = schemas[domain, name].attributes.values()
                assert all(each.type != graph for each in attributes), name
                assert "seed" not in schemas[domain, name].attributes, name


class TestScorer:
    def test_flat_and_wide_inputs_of_every_type(self) -> None:
        nodes = [
            helper.make_node("Cast", ["flat"], ["f"], to=FLOAT),
            helper.make_node("ReduceSum", ["wide", "one"], ["w"], keepdims=0),
            helper.make_node("Add", ["f", "w"], ["sum"]),
            helper.make_node("Identity", ["text"], ["same"]),
        ]
        inputs = [
            _value("flat", None, of=TensorProto.INT64),
            _value("wide", None, 3, of=FLOAT),
            _value("text", None, 1, of=STRING),
        ]
        outputs = [_value("sum", None, of=FLOAT), _value("same", None, 1, of=STRING)]
        one = numpy_helper.from_array(np.asarray([1]), "one")
        content = _file(nodes, inputs, outputs, (one,))
        check_file(content)
        found = Scorer(content).run(
            {"flat": [[1], [2]], "wide": [[1.0, 2.0, 3.0], [0.0, 0.0, 0.5]], "text": [["a"], ["b"]]}
        )
        assert found == {"sum": [[7.0], [2.5]], "same": [["a"], ["b"]]}
