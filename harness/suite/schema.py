"""The form of a suite file: one definition for checking, for the editors' JSON Schema and for the documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Scale: TypeAlias = Literal["smoke", "claim", "paper"]
Isolation: TypeAlias = Literal["case", "shared"]

NAME_LENGTH = 64
"""Characters of a suite's name: that of a run's folder is made of it."""

_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_MAX_SECONDS = 500 * 3600.0
"""About what the clocks of the operating system can wait for in one go."""
_MAX_BYTES = 1e15
_MAX_SEEDS = 100_000
_MAX_SEED = 2**63 - 1
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def _quantity(units: Mapping[str, float], what: str, example: str, most: float, most_text: str) -> Any:
    def read(value: Any) -> float:
        match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
        if not match or match[2].lower() not in units or float(match[1]) <= 0:
            raise PydanticCustomError(
                "quantity", "expected {what} such as {example}", {"what": what, "example": example}
            )
        amount = float(match[1]) * units[match[2].lower()]
        if amount > most:
            raise PydanticCustomError("quantity", "expected at most {most}", {"most": most_text})
        return amount

    schema = WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[A-Za-z]+\s*$", "examples": [example]})
    return Annotated[float, BeforeValidator(read), schema]


Duration: TypeAlias = _quantity(_SECONDS, "a duration", "30 s", _MAX_SECONDS, "500 h")  # type: ignore[valid-type]
Memory: TypeAlias = _quantity(_BYTES, "a size", "2 GB", _MAX_BYTES, "1000 TB")  # type: ignore[valid-type]


def _entry(value: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and len(value) == 1:
        name, parameters = next(iter(value.items()))
        if parameters is None:
            return name, {}
        if isinstance(parameters, dict):
            return name, parameters
        raise PydanticCustomError("entry", "the parameters of an entry must be a mapping")
    raise PydanticCustomError("entry", "expected a name, or one name with a mapping of parameters")


Entry: TypeAlias = Annotated[
    tuple[str, dict[str, Any]],
    BeforeValidator(_entry),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": ["object", "null"]},
                },
            ]
        }
    ),
]
"""`owner/name`, or `owner/name: {parameter: value}`; a list of values is an axis of the matrix."""


def _seeds(value: Any) -> Sequence[int]:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_SEEDS:
        return range(value)
    if isinstance(value, list) and all(isinstance(seed, int) and not isinstance(seed, bool) for seed in value):
        if not value:
            raise PydanticCustomError("seeds", "is empty: nothing to run")
        if min(value) < 0 or max(value) > _MAX_SEED:
            raise PydanticCustomError("seeds", "a seed must be at least 0 and below 2**63")
        if len(set(value)) == len(value):
            return value
        raise PydanticCustomError("seeds", "the same seed is listed twice")
    raise PydanticCustomError("seeds", "expected a number of seeds (1 to 100000) or a list of seeds")


Retries: TypeAlias = Annotated[int, Field(ge=0, le=10)]

Seeds: TypeAlias = Annotated[
    Sequence[int],
    PlainValidator(_seeds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": _MAX_SEEDS},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, frozen=True)


class Limits(_Strict):
    """What one case may use before it is stopped."""

    time: Duration = 600.0
    """Wall-clock time of a case, such as `30 s` or `5 min`."""
    memory: Memory | None = None
    """Memory of a case beyond that of preloaded libraries, such as `2 GB`; the default is its share of the machine."""


class Matrix(_Strict):
    """Every task with every model, backend and seed. Keys left out are taken from the suite."""

    tasks: Annotated[list[Entry], Field(min_length=1)]
    """The problems, by full name; parameters in a mapping, lists of values are grids."""
    models: Annotated[list[Entry], Field(min_length=1)]
    """The competitors, by full name; each must implement the protocol of every task here."""
    backends: Annotated[list[Entry], Field(min_length=1)] | None = None
    """Where to run: `cpu`, or with options `cpu: {threads: 2, dtype: float64, compiled: true}`."""
    seeds: Seeds | None = None
    """A number of seeds, or the seeds themselves."""
    metrics: Annotated[list[str], Field(min_length=1)] | None = None
    """What to measure; the default is what each task names."""
    scale: Scale | None = None
    """How large the problems are: `smoke` (seconds), `claim` (a minute or two), `paper` (as in the paper)."""
    limits: Limits | None = None
    """What one case may use."""
    retries: Retries | None = None
    """How often a case whose process died is started again. Wrong answers, errors and limits are final."""
    isolation: Isolation | None = None
    """`case`: a process for every case; `shared`: cases share processes, one after the other (for many tiny ones)."""


class SuiteFile(_Strict):
    """A suite of `harness`: matrices of tasks, models, backends and seeds."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=NAME_LENGTH)]
    """The suite's name, in kebab-case."""
    description: str = ""
    """What the suite is to show."""
    scale: Scale = "claim"
    """How large the problems are: `smoke` (seconds), `claim` (a minute or two), `paper` (as in the paper)."""
    seeds: Seeds = Field(default=[0])
    """A number of seeds, or the seeds themselves."""
    backends: Annotated[list[Entry], Field(min_length=1)] = Field(default=[("cpu", {})])
    """Where to run: `cpu`, or with options `cpu: {threads: 2, dtype: float64, compiled: true}`."""
    limits: Limits = Limits()
    """What one case may use."""
    retries: Retries = 0
    """How often a case whose process died is started again. Wrong answers, errors and limits are final."""
    isolation: Isolation = "case"
    """`case`: a process for every case; `shared`: cases share processes, one after the other (for many tiny ones)."""
    matrix: Annotated[list[Matrix], Field(min_length=1)]
    """The matrices; each is a list item with its own tasks and models."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a suite file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SuiteFile.model_json_schema()}
