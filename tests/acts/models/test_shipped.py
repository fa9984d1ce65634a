"""The shipped files: fit to run, named after attributes there are, and what the training makes."""

import json
from datetime import date

import onnx
import pytest

from acts.models.files import TensorKind
from acts.models.runtime import Scorer, check_file
from acts.models.shipped import FOLDER, read_shipped, shipped_names
from acts.models.training import CLIENTS, train_all
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from tests.figures import Figure

CATALOGUE = builtin_catalogue()
CORE = {"kind", "stage", "createdAt", "today"}
NUMBERS = {Kind.NUMBER, Kind.LONG, Kind.DECIMAL}
FITS = {TensorKind.STRING: {Kind.CODE, Kind.STRING}, TensorKind.NUMBER: NUMBERS, TensorKind.INTEGER: NUMBERS}


def test_there_are_four() -> None:
    assert shipped_names() == ("churn-risk", "client-value", "credit-rating", "value-tier")


def test_a_name_is_no_path() -> None:
    assert read_shipped("../trained/churn-risk") is None
    assert read_shipped("") is None


@pytest.mark.parametrize("name", shipped_names())
class TestShipped:
    def test_is_fit_to_run(self, name: str) -> None:
        file = check_file(read_shipped(name) or b"")
        assert file.metadata["name"] == name
        assert {"version", "owner", "description", "trainedOn", "trainingData", "metrics"} <= file.metadata.keys()
        assert file.metadata["metrics"]

    def test_names_attributes_there_are(self, name: str) -> None:
        file = check_file(read_shipped(name) or b"")
        inputs, outputs = file.metadata["inputs"], file.metadata["outputs"]
        assert {each["name"] for each in inputs} == {each.name for each in file.inputs}
        assert [each["path"] for each in inputs if each["path"] not in CORE and not CATALOGUE.find(each["path"])] == []
        for each in outputs:
            attribute, output = CATALOGUE.find(each["path"]), file.output(each["name"])
            assert attribute is not None
            assert output is not None
            assert attribute.kind in FITS[output.kind]

    def test_texts_it_answers_are_codes_of_the_attribute(self, name: str) -> None:
        model = onnx.load_model_from_string(read_shipped(name) or b"")
        file = check_file(read_shipped(name) or b"")
        tables = [
            [text.decode() for text in attribute.strings]
            for node in model.graph.node
            for attribute in node.attribute
            if attribute.name == "values_strings"
        ]
        for each in file.metadata["outputs"]:
            attribute = CATALOGUE.find(each["path"])
            if attribute is not None and attribute.kind is Kind.CODE:
                codes = {option.code for option in attribute.options}
                assert [table for table in tables if set(table) <= codes]


@pytest.mark.long
class TestTraining:
    def test_makes_the_shipped_files(self, figure: Figure) -> None:
        for name, content in train_all(CLIENTS, date(2026, 11, 26)).items():
            made, shipped = check_file(content), check_file((FOLDER / f"{name}.onnx").read_bytes())
            figure(f"{name}: {json.dumps(shipped.metadata['metrics'])}")
            assert made.metadata["metrics"] == pytest.approx(shipped.metadata["metrics"], abs=1e-3)
            columns = {
                each.name: [["PERSON"], ["ORGANISATION"]] if each.kind is TensorKind.STRING else [[3.0], [40.0]]
                for each in made.inputs
            }
            again, before = Scorer(content).run(columns), Scorer(read_shipped(name) or b"").run(columns)
            assert {output: rows for output, rows in again.items() if isinstance(rows[0][0], str)} == {
                output: rows for output, rows in before.items() if isinstance(rows[0][0], str)
            }
            for output, rows in again.items():
                if not isinstance(rows[0][0], str):
                    assert [row[0] for row in rows] == pytest.approx([row[0] for row in before[output]], rel=1e-3)
