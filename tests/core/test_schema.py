"""The JSON Schema of suites: what editors check is what the harness checks."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from harness.cli import root
from harness.suite.document import Document
from harness.suite.schema import json_schema

SUITES = Path(__file__).parents[2] / "suites"
BASE = "name: a\nmatrix: [{tasks: [x/y], models: [x/z: {a: 1}]}]\n"
BLOCK = "name: a\nmatrix:\n  - tasks: [x/y]\n    models: [x/z]\n"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_it_is_a_valid_schema():
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_every_key_is_documented():
    schema = json_schema()
    objects = [schema, *schema["$defs"].values()]
    assert {item["title"] for item in objects} == {"SuiteFile", "Matrix", "Limits"}
    assert all(item["description"] and not item["additionalProperties"] for item in objects)
    assert all(key["description"] for item in objects for key in item["properties"].values())


@pytest.mark.parametrize(
    "text",
    [
        BASE,
        f"{BASE}description: what it shows\nscale: paper\nseeds: 3\nisolation: shared\n",
        f"{BASE}seeds: [4, 0]\nlimits: {{time: 1.5 min, memory: 2 GiB}}\nbackends: [cpu, cuda: {{dtype: bfloat16}}]\n",
        f"{BLOCK}    seeds: 1\n    metrics: [error]\n    scale: smoke\n    limits: {{time: 3 s}}\n",
        f"{BLOCK}    backends: [cpu: {{threads: 2}}]\n    isolation: case\n",
        f"{BLOCK}    seeds:\n    metrics:\n    limits:\n",
        "name: a\nmatrix: [{tasks: [x/y: ], models: [x/z: {}]}]\n",
    ],
)
def test_it_accepts_what_the_harness_accepts(validator, text):
    assert list(validator.iter_errors(Document("here", text).data)) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{BASE}sedes: 3\n",
        f"{BASE}tasks: [x/y]\n",
        f"{BASE}limits: {{tme: 3 s}}\n",
        f"{BLOCK}    model: [x/y]\n",
        "description: x\n",
        "name: a\nmatrix: []\n",
        "name: a\nmatrix: [{tasks: [], models: []}]\n",
        "name: a\nmatrix: [{tasks: [3], models: [x/y]}]\n",
        "name: a\nmatrix: [{tasks: [{x/y: 3}], models: [x/y]}]\n",
        "name: a\nmatrix: [{tasks: [{x/y: {}, x/z: {}}], models: [x/y]}]\n",
        BASE.replace("name: a", "name: My suite"),
        f"{BASE}seeds: 0\n",
        f"{BASE}seeds: [1, 1]\n",
        f"{BASE}seeds: [-1]\n",
        f"{BASE}seeds: []\n",
        f"{BASE}seeds: 1000000000\n",
        f"{BASE}scale: tiny\n",
        f"{BASE}isolation: none\n",
        f"{BASE}limits: {{time: 3}}\n",
        f"{BASE}backends: []\n",
    ],
)
def test_it_rejects_what_the_harness_rejects(validator, text):
    assert list(validator.iter_errors(Document("here", text).data))


def test_the_command_prints_it():
    result = CliRunner().invoke(root, ["schema"])
    assert (json.loads(result.stdout), result.exit_code) == (json_schema(), 0)


def test_the_file_beside_the_suites_is_what_the_command_prints():
    printed = CliRunner().invoke(root, ["schema"]).stdout
    assert (SUITES / "suite.schema.json").read_text(encoding="utf-8") == printed


def test_there_are_suites():
    assert list(SUITES.rglob("*.yaml"))


@pytest.mark.parametrize("path", sorted(SUITES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_suite_points_its_editor_to_the_schema_and_keeps_to_it(validator, path):
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    schema = path.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.resolve() == (SUITES / "suite.schema.json").resolve()
    assert list(validator.iter_errors(Document.read(path).data)) == []
