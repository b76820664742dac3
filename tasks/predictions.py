"""Predictions in the field's format, `preds.jsonl` or `preds.json`: `instance_id, model_name_or_path, model_patch`."""

from collections import Counter
from dataclasses import dataclass

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from sandbox.api import BadInput
from tasks.dataset import read_rows

COLUMNS = ("instance_id", "model_name_or_path", "model_patch")


@dataclass(frozen=True, slots=True)
class Prediction:
    instance_id: str
    model: str
    patch: bytes  # empty if the system gave none
    run: int  # counts the patches of one (instance, model), from 1, in the file's order
    published: bool | None  # the verdict that was published with it, if one was


class _Fields(BaseModel):
    model_config = ConfigDict(extra="ignore")

    instance_id: str
    model: str = Field("unnamed", validation_alias="model_name_or_path")
    patch: str | None = Field(validation_alias="model_patch")  # null where the system gave none
    published: bool | None = Field(None, validation_alias=AliasChoices("official_resolved", "resolved"))


def read_predictions(source: str) -> list[Prediction]:
    """Every prediction of the file; one file may hold several patches for one (instance, model).

    Raises:
        BadInput: it cannot be read, or a row has no `instance_id` or no `model_patch`.
    """
    runs: Counter[tuple[str, str]] = Counter()
    found = []
    for number, fields in enumerate(read_rows(source), 1):
        try:
            row = _Fields.model_validate(fields)
        except ValidationError as problem:
            first = problem.errors()[0]
            column, where = ".".join(str(part) for part in first["loc"]), f"{source}, prediction {number}"
            if first["type"] == "missing":
                raise BadInput(f"{where} has no {column}: its columns are {', '.join(COLUMNS)}") from None
            raise BadInput(f"{where}: {column}: {first['msg']}") from None
        runs[row.instance_id, row.model] += 1
        patch = (row.patch or "").encode("utf-8", "replace")  # half a surrogate pair, as JSON may hold, is no text
        found.append(Prediction(row.instance_id, row.model, patch, runs[row.instance_id, row.model], row.published))
    return found
