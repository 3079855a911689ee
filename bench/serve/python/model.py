"""A model whose rows pydantic checks, for the servers that take rows as objects."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

from onnx_model import OnnxModel
from pydantic import BaseModel, ConfigDict, Field, create_model


def field(declared: dict[str, Any]) -> tuple[Any, Any]:
    """The type of an input as a pydantic field, with its range, its values, or its length."""
    kind = declared["type"]
    if kind in ("integer", "number"):
        number = int if kind == "integer" else float
        known: Any = Annotated[number, Field(ge=declared["min"], le=declared["max"])]
    elif kind == "category":
        known = Literal[tuple(declared["values"])]
    elif kind == "string":
        known = Annotated[str, Field(max_length=declared["maxLength"])]
    else:
        known = bool
    return (known, ...) if declared.get("required", True) else (Optional[known], None)


class Model(OnnxModel):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # A field's name may contain characters that a Python name may not.
        self.names = [re.sub(r"\W", "_", name) for name in self.input_names]
        fields = {name: field(declared) for name, declared in zip(self.names, self.inputs)}
        strict = ConfigDict(extra="forbid", strict=True)
        self.Row = create_model("Row", __config__=strict, **fields)
        self.Question = create_model(
            "Question",
            __config__=strict,
            rows=(Annotated[list[self.Row], Field(min_length=1, max_length=10_000)], ...),
        )

    def columns(self, rows: list[BaseModel]) -> list[list[Any]]:
        return [[getattr(row, name) for row in rows] for name in self.names]

    def predict(self, rows: list[BaseModel]) -> list[dict[str, Any]]:
        return self.to_predictions(self.score(self.columns(rows)))
