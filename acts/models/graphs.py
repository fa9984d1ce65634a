"""ONNX files written node by node: what a model computes, and in its metadata what it is.

Only training and tests come here; scoring reads files and needs none of it.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
ML_OPSET = 3
IR_VERSION = 8
ML = "ai.onnx.ml"
METADATA_PREFIX = "kehu."
_TYPES = {"number": TensorProto.DOUBLE, "string": TensorProto.STRING, "integer": TensorProto.INT64}


class Graph:
    """A graph that grows; every method answers the name of a tensor.

    Shape: every input and output is N rows by one column.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, kind: str = "number") -> str:
        self._inputs.append(helper.make_tensor_value_info(name, _TYPES[kind], [None, 1]))
        return name

    def output(self, name: str, tensor: str, kind: str = "number") -> None:
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _TYPES[kind], [None, 1]))

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def op(self, operator: str, *inputs: str | float, domain: str = "", **attributes: Any) -> str:
        """One node; a bare number is a constant."""
        name = f"t{len(self._nodes)}"
        tensors = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        self._nodes.append(helper.make_node(operator, tensors, [name], domain=domain, **attributes))
        return name

    def label(self, tensor: str, **tables: Any) -> str:
        """Each value by a table: keys_strings and values_int64s, and the like."""
        return self.op("LabelEncoder", tensor, domain=ML, **tables)

    def row_sum(self, tensor: str) -> str:
        return self.op("ReduceSum", tensor, self.constant([1], np.int64), keepdims=1)

    def file(self, metadata: Mapping[str, Any]) -> bytes:
        """The finished file; metadata that is not text is written as JSON."""
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, producer_name="kehu", opset_imports=opsets, ir_version=IR_VERSION)
        texts = {
            f"{METADATA_PREFIX}{key}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in metadata.items()
        }
        helper.set_model_props(model, texts)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))
