"""What goes with an exported network: beside it what it is, for people and programs, and in its file what is asked."""

import json
from dataclasses import dataclass

from automl.core.recipe import Recipe
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.errors import UsageError
from automl.pipeline.trial_runner import RECIPE_FILE
from automl.report.deployed_facts import DEPLOYED, deployed_facts, metadata
from automl.report.model_card import model_card
from automl.report.predict_script import predict_script, takes_pictures
from automl.runtime import Runtime

CARD_FILE = "model_card.md"
SCRIPT_FILE = "predict.py"


def beside(trial: Trial, spec: StudySpec, recipe: bytes, *, runtime: Runtime, has_onnx: bool) -> dict[str, bytes]:
    """Give the files that stand beside a network, by name; the same in whatever format it is handed out.

    Of a study from before data were described, that is its recipe alone.

    Args:
        trial: Of the study.
        spec: The study.
        recipe: The content of ``recipe.json``, as the store keeps it.
        runtime: Runs the files that were measured.
        has_onnx: Whether the network is handed out as an ONNX file, which ``predict.py`` runs.
    """
    data = spec.data
    if data is None:
        return {RECIPE_FILE: recipe}
    facts = {**json.loads(recipe), DEPLOYED: deployed_facts(trial, spec, data)}
    usage = runtime.usage(runtime.files[0], threads=spec.target.threads)
    papers = {
        RECIPE_FILE: json.dumps(facts, indent=2, ensure_ascii=False) + "\n",
        CARD_FILE: model_card(trial, spec, data, Recipe.model_validate_json(recipe), usage=usage),
    }
    if has_onnx and takes_pictures(data):
        papers[SCRIPT_FILE] = predict_script(spec, data, facts_file=RECIPE_FILE)
    return {name: text.encode() for name, text in papers.items()}


@dataclass(frozen=True)
class Additions:
    """What is added to an ONNX file that was measured without it.

    Attributes:
        metadata: Words that say what it is.
        softmax: Probabilities in the place of logits.
    """

    metadata: bool
    softmax: bool

    def to(self, model: bytes, trial: Trial, spec: StudySpec, *, is_onnx: bool) -> bytes:
        """Give the file with what is asked for; the very file where nothing is.

        Args:
            model: As it was measured.
            trial: Of the study.
            spec: The study.
            is_onnx: Whether it is handed out as an ONNX file.

        Raises:
            UsageError: If it is handed out in another format, or has no probabilities.
        """
        if not (self.metadata or self.softmax):
            return model
        from automl.export.handed_over import with_metadata, with_softmax

        option = "--softmax" if self.softmax else "--metadata"
        if not is_onnx:
            raise UsageError(f"{option} changes the ONNX file, and none is written; add --format onnx or leave it out")
        if spec.data is None:
            raise UsageError(f"study {spec.name!r} does not say what its data are, being older; leave {option} out")
        if self.softmax and not spec.data.gives_classes:
            raise UsageError(f"--softmax is for logits of classes, and task {spec.data.task} has none; leave it out")
        model = with_softmax(model) if self.softmax else model
        words = metadata(deployed_facts(trial, spec, spec.data, has_softmax=self.softmax), spec)
        return with_metadata(model, words) if self.metadata else model
