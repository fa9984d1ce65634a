"""The one door of the extra `ml`: ONNX files are checked by onnx and run by onnxruntime, loaded only when used."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from math import prod
from types import ModuleType
from typing import Any

from acts.models.files import MOST_BYTES, ModelFile, RuntimeAway, Tensor, TensorKind, metadata_from, refusal
from acts.models.operators import ALLOWED
from catalogue.errors import Problem, Refused

_MOST_ELEMENTS = 1_000_000
"""Numbers that one step of a model may take for all clients together."""
_MOST_EACH = 20_000
"""Numbers that one step may take for each client, of whom 500 are scored at a time, with 8 bytes a number."""
CROWD = 500
"""Clients that are scored at a time."""
_MOST_PRODUCTS = 5_000_000_000
"""Multiplications for a crowd: some seconds of a core."""
_MOST_PROBLEMS = 50
_KINDS = {
    "tensor(double)": TensorKind.NUMBER,
    "tensor(float)": TensorKind.NUMBER,
    "tensor(int64)": TensorKind.INTEGER,
    "tensor(int32)": TensorKind.INTEGER,
    "tensor(bool)": TensorKind.BOOLEAN,
    "tensor(string)": TensorKind.STRING,
}
_TYPES = {"tensor(double)": "float64", "tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32"}
_TYPES |= {"tensor(bool)": "bool", "tensor(string)": "object"}
_TRIAL_NUMBERS = (0.0, 1.0, 37.0)
_TRIAL_TEXTS = ("", "A", "ORGANISATION")


def _onnx() -> ModuleType:
    try:
        import onnx  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise RuntimeAway("onnx") from None
    found: ModuleType = onnx
    return found


def _onnxruntime() -> ModuleType:
    try:
        import onnxruntime  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise RuntimeAway("onnxruntime") from None
    found: ModuleType = onnxruntime
    return found


def _numpy() -> ModuleType:
    try:
        import numpy  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise RuntimeAway("numpy") from None
    return numpy


def check_file(content: bytes) -> ModelFile:
    """What a file holds, once it is known to be fit to run.

    Raises: Refused with every problem that can be seen at once, RuntimeAway.
    Cost: tens of milliseconds; the file is run on three invented clients, and on as many as are scored at a time.
    """
    model = _parsed(content)
    problems = [*_operator_problems(model), *_size_problems(model)]
    if problems := problems or [*_work_problems(model)]:
        raise Refused(problems[:_MOST_PROBLEMS])
    scorer = Scorer(content)
    problems = scorer.problems()
    if problems:
        raise Refused(problems)
    operators = sorted({node.op_type for node in model.graph.node})
    metadata = metadata_from({each.key: each.value for each in model.metadata_props})
    digest = sha256(content).hexdigest()
    file = ModelFile(scorer.inputs, scorer.outputs, tuple(operators), metadata, digest, len(content))
    if problems := _trial_problems(scorer):
        raise Refused(problems)
    return file


class Scorer:
    """A loaded model, run on one thread.

    Raises: Refused if the runtime does not load it, RuntimeAway.
    """

    def __init__(self, content: bytes) -> None:
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise Refused([refusal(f"onnxruntime does not load the model: {_first_line(error)}.")]) from None
        self._given = list(self._session.get_inputs())
        self._answered = list(self._session.get_outputs())
        self.inputs = tuple(_tensor(each) for each in self._given if each.type in _KINDS)
        self.outputs = tuple(_tensor(each) for each in self._answered if each.type in _KINDS)

    def problems(self) -> list[Problem]:
        """What is wrong with the shapes and types of inputs and outputs."""
        return [
            problem
            for what, nodes in (("input", self._given), ("output", self._answered))
            for node in nodes
            for problem in _tensor_problems(what, node)
        ]

    def run(self, columns: Mapping[str, Any]) -> dict[str, list[list[Any]]]:
        """The rows of each output.

        Shape: rows of columns by input (lists or arrays) and by output; numbers are Python's, NaN included.
        Raises: Refused if the model fails on them; it says where, and not on which value: it may be a client's.
        """
        numpy = _numpy()
        fed = {}
        for tensor in self.inputs:
            table = numpy.asarray(columns[tensor.name], dtype=_TYPES[tensor.element])
            fed[tensor.name] = table[:, 0] if tensor.is_flat else table
        names = [each.name for each in self.outputs]
        try:
            answers = self._session.run(names, fed)
        except Exception as error:
            where = _first_line(error).partition(" Status Message")[0]
            raise Refused([refusal(f"The model fails: {where}.")]) from None
        return {name: _rows(answer) for name, answer in zip(names, answers, strict=True)}


def _parsed(content: bytes) -> Any:
    if len(content) > MOST_BYTES:
        raise Refused([refusal(f"The file has {len(content):,} bytes; a model has up to {MOST_BYTES:,}.")])
    if content[:1] == b"\x80":
        raise Refused([refusal("This is a pickle, which could run any program; send an ONNX file, made by skl2onnx.")])
    onnx = _onnx()
    try:
        model = onnx.load_model_from_string(content)
        # Before anybody looks whether such a file is there.
        if problems := list(_stored_elsewhere(model)):
            raise Refused(problems)
        onnx.checker.check_model(model)
    except Refused:
        raise
    except Exception as error:
        raise Refused([refusal(f"This is no sound ONNX file: {_first_line(error)}.")]) from None
    return model


def _stored_elsewhere(model: Any) -> Iterator[Problem]:
    onnx = _onnx()
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            yield refusal(f"The constant {tensor.name} lies in another file; save the model as one file.")


def _tensors(model: Any) -> Iterator[Any]:
    """Every tensor that a file holds: its constants, and those in the attributes of its steps."""
    graphs, nodes = [model.graph], [node for each in model.functions for node in each.node]
    while graphs or nodes:
        for graph in graphs:
            yield from graph.initializer
            for each in graph.sparse_initializer:
                yield from (each.values, each.indices)
            nodes += graph.node
        graphs = []
        for attribute in (attribute for node in nodes for attribute in node.attribute):
            yield from (attribute.t, *attribute.tensors)
            for each in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (each.values, each.indices)
            graphs += ([attribute.g] if attribute.HasField("g") else []) + [*attribute.graphs]
        nodes = []


def _operator_problems(model: Any) -> Iterator[Problem]:
    if model.functions or model.training_info:
        yield refusal("The model brings functions or training of its own; export it for scoring only.")
    onnx = _onnx()
    for node in model.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if node.op_type not in ALLOWED.get(domain, ()):
            name = f"{domain}.{node.op_type}" if domain else node.op_type
            advice = " (export a classifier with the option zipmap=False)" if node.op_type == "ZipMap" else ""
            yield refusal(f"The operator {name} is not allowed{advice}; docs/models.md lists those that are.")
        if any(each.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for each in node.attribute):
            yield refusal(f"The operator {node.op_type} holds a graph of its own; loops and branches are not allowed.")


def _size_problems(model: Any) -> Iterator[Problem]:
    """Steps that would take more room for one client than any sound model."""
    onnx = _onnx()
    try:
        shapes = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:
        yield refusal(f"The shapes of the model do not fit together: {_first_line(error)}.")
        return
    for value in (*shapes.graph.value_info, *shapes.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        if not all(each.HasField("dim_value") for each in dimensions[1:]):
            yield refusal(
                f"The step {value.name} is of a size that cannot be known before it runs; give it a fixed one."
            )
            continue
        elements = prod(max(each.dim_value, 1) for each in dimensions)
        # What has as many rows as there are clients does not say how many.
        is_of_each = not all(each.HasField("dim_value") for each in dimensions)
        most = _MOST_EACH if is_of_each else _MOST_ELEMENTS
        if elements > most:
            of_whom = "of a client" if is_of_each else "of constants"
            yield refusal(f"The step {value.name} makes {elements:,} numbers {of_whom}; {most:,} are the most.")


def _work_problems(model: Any) -> Iterator[Problem]:
    """Products of tables that would take longer than any sound model, as far as their sizes are known."""
    shapes = _onnx().shape_inference.infer_shapes(model, data_prop=True).graph
    sizes = {
        each.name: [part.dim_value if part.HasField("dim_value") else CROWD for part in each.type.tensor_type.shape.dim]
        for each in (*shapes.value_info, *shapes.output, *shapes.input)
    }
    sizes |= {each.name: list(each.dims) for each in model.graph.initializer}
    products = 0
    for node in model.graph.node:
        if node.op_type in ("MatMul", "Gemm") and sizes.get(node.input[0]) and node.output[0] in sizes:
            # Of a Gemm the first table may be turned round.
            first = sizes[node.input[0]]
            products += prod(sizes[node.output[0]]) * (first[-1] if node.op_type == "MatMul" else max(first))
    if products > _MOST_PRODUCTS:
        yield refusal(f"Products of tables take {products:,} multiplications; {_MOST_PRODUCTS:,} are the most.")


def _tensor_problems(what: str, node: Any) -> Iterator[Problem]:
    if node.type not in _KINDS:
        advice = ", with the option zipmap=False" if "map" in node.type or "seq" in node.type else ""
        wanted = "tensors of double, float, int64, int32, bool or string"
        yield refusal(f"The {what} {node.name} is of type {node.type}; models have {wanted}{advice}.")
    elif not 1 <= len(node.shape) <= 2 or isinstance(node.shape[0], int):
        shown = ", ".join(str(each) for each in node.shape)
        yield refusal(
            f"The {what} {node.name} has the shape ({shown}); one row a client is wanted, as (None, columns)."
        )
    elif len(node.shape) == 2 and not isinstance(node.shape[1], int) and what == "input":
        yield refusal(
            f"The {what} {node.name} does not say how many columns it has; give its shape as (None, columns)."
        )


def _tensor(node: Any) -> Tensor:
    is_flat = len(node.shape) == 1
    width = node.shape[1] if len(node.shape) == 2 and isinstance(node.shape[1], int) else 1
    return Tensor(node.name, _KINDS[node.type], node.type, width, is_flat)


def _trial_problems(scorer: Scorer) -> list[Problem]:
    """Whether three clients together come out as each of them alone: what one row says must not reach another."""
    columns = {each.name: [[_trial(each, row)] * each.width for row in range(3)] for each in scorer.inputs}
    together = scorer.run(columns)
    alone = [scorer.run({name: [rows[row]] for name, rows in columns.items()}) for row in range(3)]
    for output in scorer.outputs:
        if len(together[output.name]) != 3:
            return [refusal(f"The output {output.name} has {len(together[output.name])} rows for 3 clients.")]
        for row in range(3):
            if not _alike(together[output.name][row], alone[row][output.name][0]):
                return [refusal(f"The output {output.name} of a client hangs on the other clients it is scored with.")]
    # Whatever it takes for a crowd, it takes here, where it is limited, and not for the first time when it is in use.
    scorer.run({name: (rows * CROWD)[:CROWD] for name, rows in columns.items()})
    return []


def _trial(tensor: Tensor, row: int) -> Any:
    return _TRIAL_TEXTS[row] if tensor.kind is TensorKind.STRING else _TRIAL_NUMBERS[row]


def _alike(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return len(left) == len(right) and all(
        a == b or (isinstance(a, float) and ((a != a and b != b) or abs(a - b) <= 1e-5 * max(1.0, abs(a), abs(b))))
        for a, b in zip(left, right, strict=True)
    )


def _rows(answer: Any) -> list[list[Any]]:
    rows = answer.tolist()
    return [row if isinstance(row, list) else [row] for row in rows]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip().rstrip(".")[:300]
