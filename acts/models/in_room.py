"""What happens inside a room: a model is checked, or loaded and run."""

from collections.abc import Generator, Mapping
from typing import Any

from acts.models.rooms import tensor_words
from acts.models.runtime import Scorer, check_file
from catalogue.errors import Refused

Steps = Generator[Any, Mapping[str, Any], None]


def check_model(given: Mapping[str, Any]) -> Steps:
    """One answer: what the file holds.

    Raises: Refused, RuntimeAway.
    """
    file = check_file(given["file"])
    yield {
        "inputs": [tensor_words(each) for each in file.inputs],
        "outputs": [tensor_words(each) for each in file.outputs],
        "operators": file.operators,
        "metadata": dict(file.metadata),
        "digest": file.digest,
        "size": file.size,
    }


def run_model(given: Mapping[str, Any]) -> Steps:
    """First the tensors of the model, then the rows of its outputs for each batch of clients.

    Raises: Refused, RuntimeAway. A batch on which it fails is answered with the reason, and the next one may come.
    """
    scorer = Scorer(given["file"])
    inputs, outputs = ([tensor_words(each) for each in tensors] for tensors in (scorer.inputs, scorer.outputs))
    asked = yield {"inputs": inputs, "outputs": outputs}
    while True:
        try:
            answer: Any = scorer.run(asked["columns"])
        except Refused as refused:
            answer = refused
        asked = yield answer
