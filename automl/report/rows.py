"""Trials as flat rows for JSON and CSV, under the trial store's own column names."""

import json
import math
from collections.abc import Sequence
from datetime import datetime

from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.storage.columns import Cell, columns, row_of


def trial_rows(trials: Sequence[Trial], spec: StudySpec) -> list[dict[str, object]]:
    """Flatten trials; every row has the same keys in the order of the store's columns.

    Args:
        trials: Any trials of the study.
        spec: The study.

    Returns:
        Values that JSON has: None for what a trial lacks (and for what is not finite), times in ISO 8601.
    """
    names = list(columns(spec, trials))
    rows = [row_of(trial, spec) for trial in trials]
    return [{name: _plain(row.get(name)) for name in names} for row in rows]


def csv_rows(trials: Sequence[Trial], spec: StudySpec) -> list[dict[str, object]]:
    """Flatten as ``trial_rows`` does, with lists as JSON: a cell of a CSV file holds text or a number."""
    return [
        {name: json.dumps(cell) if isinstance(cell, list) else cell for name, cell in row.items()}
        for row in trial_rows(trials, spec)
    ]


def _plain(cell: Cell) -> object:
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell
