"""Suites that are wrong: every problem is told at once, each with its place, and never by a traceback."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import root
from harness.quoting import cut, printable

GOOD = """\
name: a
matrix:
  - tasks: [guessing/guess]
    models: [guessing/mean]
"""
MODELS = """\
name: a
matrix:
  - tasks: [guessing/guess]
    models: {}
""".format
TASKS = """\
name: a
matrix:
  - models: [guessing/mean]
    tasks: {}
""".format
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{outer}: &{outer} [{', '.join([f'*{inner}'] * 10)}]\n" for inner, outer in pairwise("abcdefgh")
)
HAS_TASKS = "; guessing has guessing/guess, guessing/timed-guess"
HAS_MODELS = "; guessing has " + ", ".join(
    f"guessing/{model}" for model in ["mean", "shifted", "constant", "noisy", "naughty", "mute", "picky"]
)
HAS_METRICS = "; guessing has guessing/error, guessing/error-curve, guessing/reciprocal"
NO_GUESSER = "does not implement Guesser, the protocol of task"
EXTRA = "guess() needs a parameter 'extra' that the protocol does not give"
NUMBERS = ", ".join(map(str, range(100)))
NAME = "name: expected lower-case letters, digits and '-', got"
SEEDS = "expected a number of seeds (1 to 100000) or a list of seeds"


CASES: dict[str, tuple[str, list[str]]] = {
    # no YAML
    "a tab for indentation": (
        "name: a\n\tmatrix: []\n",
        ["2:1: not valid YAML: found character '\\t' that cannot start any token"],
    ),
    "a list that is not closed": (
        "name: [a\n",
        ["2:1: not valid YAML: expected ',' or ']', but got '<stream end>'"],
    ),
    "a string that is not closed": (
        'name: "a\n',
        ["2:1: not valid YAML: found unexpected end of stream"],
    ),
    "an indented key": (
        "name: a\n  matrix: []\n",
        ["2:9: not valid YAML: mapping values are not allowed here"],
    ),
    "a colon in a value": (
        "name: a: b\n",
        ["1:8: not valid YAML: mapping values are not allowed here"],
    ),
    "a line without a colon": (
        "name: a\nmatrix\n",
        ["3:1: not valid YAML: could not find expected ':'"],
    ),
    "an alias of nothing": (
        "name: *x\n",
        ["1:7: not valid YAML: found undefined alias 'x'"],
    ),
    "a reserved character": (
        "name: a\ndescription: @b\n",
        ["2:14: not valid YAML: found character '@' that cannot start any token"],
    ),
    "a backtick": (
        "name: `a`\n",
        ["1:7: not valid YAML: found character '`' that cannot start any token"],
    ),
    "an unknown escape": (
        'name: "\\q"\n',
        ["1:9: not valid YAML: found unknown escape character 'q'"],
    ),
    "an unknown directive": (
        "%YAML 3.0\n---\nname: a\n",
        ["1:1: not valid YAML: version 3.0 is not known"],
    ),
    "two documents": (
        GOOD + "---\nname: b\n",
        ["5:1: not valid YAML: expected a single document in the stream, but found another document"],
    ),
    "a list in the middle of a mapping": (
        "name: a\n- b\n",
        ["2:1: not valid YAML: expected <block end>, but found '-'"],
    ),
    "a NUL": (
        "name: a\nmatrix: \0\n",
        ["2:9: not valid YAML: the character U+0000 is not allowed"],
    ),
    "a control character": (
        "name: a\n\ndescription: b\x07\n",
        ["3:15: not valid YAML: the character U+0007 is not allowed"],
    ),
    # no suite
    "an empty file": (
        "",
        ["1:1: a suite is a mapping with the keys name and matrix"],
    ),
    "only a comment": (
        "# nothing here yet\n",
        ["1:1: a suite is a mapping with the keys name and matrix"],
    ),
    "a string": (
        "guessing/guess\n",
        ["1:1: a suite is a mapping with the keys name and matrix"],
    ),
    "a list": (
        "- name: a\n",
        ["1:1: a suite is a mapping with the keys name and matrix"],
    ),
    "a number": (
        "3\n",
        ["1:1: a suite is a mapping with the keys name and matrix"],
    ),
    "null": (
        "~\n",
        ["1:1: a suite is a mapping with the keys name and matrix"],
    ),
    "an empty mapping": (
        "{}\n",
        ["1:1: missing key 'matrix'", "1:1: missing key 'name'"],
    ),
    # keys
    "a duplicate key": (
        GOOD + "name: b\n",
        ["5:1: duplicate key 'name' (first at line 1)"],
    ),
    "a duplicate key in a matrix": (
        GOOD + "    seeds: 1\n    seeds: 2\n",
        ["6:5: duplicate key 'seeds' (first at line 5)"],
    ),
    "a duplicate key in limits": (
        GOOD + "limits: {time: 1 s, memory: 1 GB, time: 2 s}\n",
        ["5:35: duplicate key 'time' (first at line 5)"],
    ),
    "a duplicate parameter": (
        MODELS("[{guessing/constant: {value: 1.0, value: 2.0}}]"),
        ["4:47: duplicate key 'value' (first at line 4)"],
    ),
    "a misspelt key": (
        GOOD + "sedes: 3\n",
        ["5:1: unknown key 'sedes' (did you mean 'seeds'?)"],
    ),
    "a misspelt key in a matrix": (
        GOOD + "    model: [guessing/mean]\n",
        ["5:5: unknown key 'model' (did you mean 'models'?)"],
    ),
    "a misspelt key in limits": (
        GOOD + "limits: {tme: 1 s}\n",
        ["5:10: unknown key 'tme' (did you mean 'time'?)"],
    ),
    "a key like no other": (
        GOOD + "wibble: 1\n",
        ["5:1: unknown key 'wibble'"],
    ),
    "a key of a matrix at the top": (
        GOOD + "tasks: []\nmodels:\n",
        ["5:1: unknown key 'tasks'", "6:1: unknown key 'models'"],
    ),
    "keys of the top in a matrix": (
        GOOD + "    matrix: []\n    name: x\n",
        ["5:5: unknown key 'matrix' (did you mean 'metrics'?)", "6:5: unknown key 'name'"],
    ),
    "keys of the top in limits": (
        GOOD + "limits: {name: x, matrix: 3}\n",
        ["5:10: unknown key 'name'", "5:19: unknown key 'matrix'"],
    ),
    "keys that pydantic uses itself": (
        GOOD + "int: 1\nnone: 2\n'list[int]': 3\n",
        ["5:1: unknown key 'int'", "6:1: unknown key 'none'", "7:1: unknown key 'list[int]'"],
    ),
    "an empty key": (
        GOOD + "'': 1\n",
        ["5:1: unknown key ''"],
    ),
    "keys that are no strings": (
        GOOD + "1: 2\nnull: 3\n1.5: 4\n",
        ["5:1: unknown key '1'", "6:1: unknown key 'null'", "7:1: unknown key '1.5'"],
    ),
    "keys that are no scalars": (
        GOOD + "[1]: 5\n{a: b}: 6\n? [x]\n: 7\n",
        ["5:1: a key must be a string", "6:1: a key must be a string", "7:3: a key must be a string"],
    ),
    "a merge key": (
        GOOD + "<<: {seeds: 3}\n",
        ["5:1: unknown key '<<'"],
    ),
    "no keys that are needed": (
        "description: x\n",
        ["1:1: missing key 'matrix'", "1:1: missing key 'name'"],
    ),
    "a matrix without models, one without tasks": (
        "name: a\nmatrix:\n  - tasks: [guessing/guess]\n  - models: [guessing/mean]\n",
        ["3:5: missing key 'models'", "4:5: missing key 'tasks'"],
    ),
    "matrices that are none": (
        "name: a\nmatrix:\n  - {}\n  - 3\n  -\n",
        [
            "3:5: missing key 'models'",
            "3:5: missing key 'tasks'",
            "4:5: matrix: expected a mapping, got the number 3",
            "5:4: matrix: expected a mapping, got nothing",
        ],
    ),
    # types
    "every key of another type": (
        "name: 1\ndescription: 2\nscale: 3\nseeds: x\nbackends: cpu\nlimits: 5\nisolation: 1\nmatrix: 3\n",
        [
            "1:7: name: expected a string, got the number 1",
            "2:14: description: expected a string, got the number 2",
            "3:8: scale: expected one of 'smoke', 'claim', 'paper', got the number 3",
            f"4:8: seeds: {SEEDS}",
            "5:11: backends: expected a list, got the string 'cpu'",
            "6:9: limits: expected a mapping, got the number 5",
            "7:12: isolation: expected one of 'case', 'shared', got the number 1",
            "8:9: matrix: expected a list, got the number 3",
        ],
    ),
    "every key of a matrix of another type": (
        "name: a\nmatrix:\n  - tasks: guessing/guess\n    models: {a: b}\n    backends: cpu\n    seeds: 1.5\n"
        "    metrics: error\n    scale: big\n    limits: []\n    isolation: yes\n",
        [
            "3:12: tasks: expected a list, got the string 'guessing/guess'",
            "4:13: models: expected a list, got a mapping",
            "5:15: backends: expected a list, got the string 'cpu'",
            f"6:12: seeds: {SEEDS}",
            "7:14: metrics: expected a list, got the string 'error'",
            "8:12: scale: expected one of 'smoke', 'claim', 'paper', got the string 'big'",
            "9:13: limits: expected a mapping, got a list",
            "10:16: isolation: expected one of 'case', 'shared', got the string 'yes'",
        ],
    ),
    "every key without a value": (
        "name:\ndescription:\nscale:\nseeds:\nbackends:\nlimits:\nisolation:\nmatrix:\n",
        [
            "1:1: name: expected a string, got nothing",
            "2:1: description: expected a string, got nothing",
            "3:1: scale: expected one of 'smoke', 'claim', 'paper', got nothing",
            f"4:1: seeds: {SEEDS}",
            "5:1: backends: expected a list, got nothing",
            "6:1: limits: expected a mapping, got nothing",
            "7:1: isolation: expected one of 'case', 'shared', got nothing",
            "8:1: matrix: expected a list, got nothing",
        ],
    ),
    "every needed key of a matrix without a value": (
        "name: a\nmatrix:\n  - tasks:\n    models:\n",
        ["3:5: tasks: expected a list, got nothing", "4:5: models: expected a list, got nothing"],
    ),
    "a name with capitals and blanks": (
        GOOD.replace("name: a", "name: My suite"),
        ["1:7: name: expected lower-case letters, digits and '-', got 'My suite'"],
    ),
    "a long name": (
        GOOD.replace("name: a", "name: " + "A" * 100),
        ["1:7: name: expected at most 64 characters, got '" + "A" * 96 + "..."],
    ),
    "entries that are no names": (
        MODELS("[3, null, true, 1.5, [], {}]"),
        [
            "4:14: models: expected a name, or one name with a mapping of parameters",
            "4:17: models: expected a name, or one name with a mapping of parameters",
            "4:23: models: expected a name, or one name with a mapping of parameters",
            "4:29: models: expected a name, or one name with a mapping of parameters",
            "4:34: models: expected a name, or one name with a mapping of parameters",
            "4:38: models: expected a name, or one name with a mapping of parameters",
        ],
    ),
    "two names in one entry": (
        MODELS("[{guessing/mean: {}, guessing/constant: {}}]"),
        ["4:14: models: expected a name, or one name with a mapping of parameters"],
    ),
    "parameters that are no mapping": (
        MODELS("[guessing/constant: 3, guessing/constant: [1]]"),
        [
            "4:14: models: the parameters of an entry must be a mapping",
            "4:36: models: the parameters of an entry must be a mapping",
        ],
    ),
    "metrics that are no names": (
        GOOD + "    metrics: [1, null, {error: 1}]\n",
        [
            "5:15: metrics: expected a string, got the number 1",
            "5:18: metrics: expected a string, got nothing",
            "5:24: metrics: expected a string, got a mapping",
        ],
    ),
    # nothing to run
    "an empty matrix": (
        "name: a\nmatrix: []\n",
        ["2:9: matrix: is empty: nothing to run"],
    ),
    "empty lists in a matrix": (
        MODELS("[]").replace("[guessing/guess]", "[]") + "    backends: []\n    seeds: []\n    metrics: []\n",
        [
            "3:12: tasks: is empty: nothing to run",
            "4:13: models: is empty: nothing to run",
            "5:15: backends: is empty: nothing to run",
            "6:12: seeds: is empty: nothing to run",
            "7:14: metrics: is empty: nothing to run",
        ],
    ),
    "empty lists at the top": (
        GOOD + "backends: []\nseeds: []\n",
        ["5:11: backends: is empty: nothing to run", "6:8: seeds: is empty: nothing to run"],
    ),
    "an empty grid": (
        MODELS("[{guessing/constant: {value: []}}]"),
        ["4:42: the grid of 'value' is empty: nothing to run"],
    ),
    # names
    "a misspelt task": (
        TASKS("[guessing/gues]"),
        [f"4:13: unknown task 'guessing/gues' (did you mean 'guessing/guess'?){HAS_TASKS}"],
    ),
    "a task like no other": (
        TASKS("[guessing/wibble]"),
        [f"4:13: unknown task 'guessing/wibble'{HAS_TASKS}"],
    ),
    "a misspelt model": (
        MODELS("[guessing/mean, guessing/noizy]"),
        [f"4:29: unknown model 'guessing/noizy' (did you mean 'guessing/noisy'?){HAS_MODELS}"],
    ),
    "a misspelt owner": (
        MODELS("[gessing/mean]"),
        ["4:14: unknown model 'gessing/mean' (did you mean 'guessing/mean'?)"],
    ),
    "an owner like no other": (
        MODELS("[wibble/wobble]"),
        ["4:14: unknown model 'wibble/wobble'"],
    ),
    "a bare name": (
        MODELS("[shifted]"),
        ["4:14: 'shifted' is not a full name: a model is called owner/model (did you mean 'guessing/shifted'?)"],
    ),
    "a bare name like no other": (
        MODELS("[wibble]"),
        ["4:14: 'wibble' is not a full name: a model is called owner/model"],
    ),
    "names with parts missing or too many": (
        MODELS("[/, guessing/, /mean, guessing/mean/x]"),
        [
            "4:14: unknown model '/'",
            f"4:17: unknown model 'guessing/'{HAS_MODELS}",
            "4:28: unknown model '/mean'",
            f"4:35: unknown model 'guessing/mean/x' (did you mean 'guessing/mean'?){HAS_MODELS}",
        ],
    ),
    "a model as a task, a task as a model": (
        MODELS("[guessing/timed-guess]").replace("/guess]\n    models", "/mean]\n    models"),
        [
            "3:13: 'guessing/mean' is a model, not a task",
            "4:14: 'guessing/timed-guess' is a task, not a model",
        ],
    ),
    "a grid without end": (
        MODELS(f"[guessing/constant: {{value: {list(range(400))}, count: {list(range(400))}}}]"),
        ["4:14: a grid of 160,000 points: those of a suite have at most 50,000 in all"],
    ),
    "a metric as a model": (
        MODELS("[guessing/reciprocal]"),
        [f"4:14: unknown model 'guessing/reciprocal'{HAS_MODELS}"],
    ),
    "a misspelt backend": (
        GOOD + "backends: [cpuu]\n",
        ["5:12: unknown backend 'cpuu' (did you mean 'cpu'?); there are cpu, cuda, mps, xpu"],
    ),
    "a backend like no other": (
        GOOD + "backends: [cpu, wibble]\n",
        ["5:17: unknown backend 'wibble'; there are cpu, cuda, mps, xpu"],
    ),
    "metrics that the task has not": (
        GOOD + "    metrics: [error, eror, wibble]\n",
        [
            "5:22: task Guess has no metric 'eror' (did you mean 'error'?); it has error, error-curve, reciprocal",
            "5:28: task Guess has no metric 'wibble'; it has error, error-curve, reciprocal",
        ],
    ),
    "metrics that nobody has": (
        GOOD + "    metrics: [guessing/eror, gessing/error]\n",
        [
            f"5:15: unknown metric 'guessing/eror' (did you mean 'guessing/error'?){HAS_METRICS}",
            "5:30: unknown metric 'gessing/error' (did you mean 'guessing/error'?)",
        ],
    ),
    "the name of a number": (
        MODELS("[{1: {}}]"),
        ["4:14: '1' is not a full name: a model is called owner/model"],
    ),
    # parameters
    "a misspelt parameter": (
        MODELS("[{guessing/constant: {valeu: 1.0}}]"),
        ["4:35: unknown parameter 'valeu' (did you mean 'value'?)"],
    ),
    "a parameter of a model without any": (
        MODELS("[{guessing/mean: {size: 1}}]"),
        ["4:31: unknown parameter 'size'"],
    ),
    "parameters of other types": (
        MODELS("[{guessing/constant: {value: x, mode: loud, count: 1.5}}]"),
        [
            "4:42: parameter 'value': expected a number, got the string 'x'",
            "4:51: parameter 'mode': expected one of 'plain', 'negated', got the string 'loud'",
            "4:64: parameter 'count': expected an integer, got the number 1.5",
        ],
    ),
    "a parameter without a value": (
        MODELS("[{guessing/constant: {value: , count: }}]"),
        ["4:35: parameter 'value': expected a number, got nothing"],
    ),
    "wrong values in grids": (
        MODELS("[{guessing/constant: {value: [1.0, x, true], count: [null, 1, a]}}]"),
        [
            "4:48: parameter 'value': expected a number, got the string 'x'",
            "4:51: parameter 'value': expected a number, got true",
            "4:75: parameter 'count': expected an integer, got the string 'a'",
        ],
    ),
    "strings that look like numbers, and the other way round": (
        TASKS("[{guessing/guess: {size: '3', spread: '1'}}]")
        + "  - tasks: [guessing/guess]\n    models: [{guessing/naughty: {how: 3}}, {guessing/naughty: {how: true}}]\n",
        [
            "4:37: parameter 'size': expected an integer, got the string '3'",
            "4:50: parameter 'spread': expected a number, got the string '1'",
            "6:39: parameter 'how': expected a string, got the number 3",
            "6:69: parameter 'how': expected a string, got true",
        ],
    ),
    "a number for a tuple": (
        TASKS("[{guessing/guess: {widths: 3}}]"),
        ["4:39: parameter 'widths': expected a list, got the number 3"],
    ),
    "a wrong item of a tuple": (
        TASKS("[{guessing/guess: {widths: [1, a]}}]"),
        ["4:39: parameter 'widths': expected an integer, got the string 'a'"],
    ),
    "a wrong item of a tuple in a grid": (
        TASKS("[{guessing/guess: {widths: [[1], [2, a]]}}]"),
        ["4:45: parameter 'widths': expected an integer, got the string 'a'"],
    ),
    "a mapping for a number": (
        MODELS("[{guessing/constant: {value: {a: 1}}}]"),
        ["4:42: parameter 'value': expected a number, got a mapping"],
    ),
    "parameters of a backend": (
        GOOD + "backends: [{cpu: {threads: x, dtype: float8, compild: true, compiled: 1}}]\n",
        [
            "5:28: parameter 'threads': expected an integer, got the string 'x'",
            "5:38: parameter 'dtype': expected one of 'float64', 'float32', 'bfloat16', 'float16', "
            "got the string 'float8'",
            "5:46: unknown parameter 'compild' (did you mean 'compiled'?)",
            "5:71: parameter 'compiled': expected true or false, got the number 1",
        ],
    ),
    "missing parameters": (
        MODELS("[needing/needy, {needing/needy: {first: 1}}]"),
        ["4:14: missing parameter 'first'", "4:14: missing parameter 'second'", "4:30: missing parameter 'second'"],
    ),
    "values that fit no alternative": (
        MODELS("[{needing/choosy: {either: 1.5, shape: [1, 2, 3], flag: 0}}, {needing/choosy: {shape: []}}]"),
        [
            "4:40: parameter 'either': expected an integer or a string, got the number 1.5",
            "4:52: parameter 'shape': has too many items",
            "4:69: parameter 'flag': expected true or false, got the number 0",
            "4:99: parameter 'shape': has too few items",
        ],
    ),
    "parameters that cannot be given": (
        MODELS("[needing/untyped, needing/hidden]"),
        [
            "4:14: TOYS/toy_papers/needing.py:44: parameter 'size' of Untyped has no type",
            "4:31: TOYS/toy_papers/needing.py:51: the type of a parameter of Hidden cannot be resolved "
            "(name 'Fraction' is not defined); hyperparameters are plain values, "
            "so import their types outside TYPE_CHECKING",
        ],
    ),
    "a paper that cannot be imported": (
        MODELS("[broken/model]"),
        ["4:14: paper 'broken' (TOYS/toy_papers/broken.py) cannot be imported: ImportError: a dependency is missing"],
    ),
    # limits
    "limits without units": (
        GOOD + "limits: {time: 30, memory: 2}\n",
        ["5:16: time: expected a duration such as 30 s", "5:28: memory: expected a size such as 2 GB"],
    ),
    "limits with wrong units": (
        GOOD + "limits: {time: 30 parsecs, memory: 2 s}\n",
        ["5:16: time: expected a duration such as 30 s", "5:36: memory: expected a size such as 2 GB"],
    ),
    "limits of nothing or less": (
        GOOD + "    limits: {time: 0 s, memory: -1 GB}\n",
        ["5:20: time: expected a duration such as 30 s", "5:33: memory: expected a size such as 2 GB"],
    ),
    "limits that are empty or true": (
        GOOD + "limits: {time: , memory: true}\n",
        ["5:10: time: expected a duration such as 30 s", "5:26: memory: expected a size such as 2 GB"],
    ),
    # seeds
    "no seeds": (
        GOOD + "seeds: 0\n",
        [f"5:8: seeds: {SEEDS}"],
    ),
    "a negative number of seeds": (
        GOOD + "seeds: -1\n",
        [f"5:8: seeds: {SEEDS}"],
    ),
    "a negative seed": (
        GOOD + "seeds: [1, -1]\n",
        ["5:8: seeds: a seed must be at least 0 and below 2**63"],
    ),
    "a seed twice": (
        GOOD + "seeds: [1, 2, 1]\n",
        ["5:8: seeds: the same seed is listed twice"],
    ),
    "seeds that are no integers": (
        GOOD + "seeds: [1.5, true]\n",
        [f"5:8: seeds: {SEEDS}"],
    ),
    "true as seeds": (
        GOOD + "    seeds: true\n",
        [f"5:12: seeds: {SEEDS}"],
    ),
    "more seeds than anyone can run": (
        GOOD + "seeds: 1000000000000\n",
        [f"5:8: seeds: {SEEDS}"],
    ),
    "a seed of more than 64 bits": (
        GOOD + "seeds: [18446744073709551616]\n",
        ["5:8: seeds: a seed must be at least 0 and below 2**63"],
    ),
    "an integer of 5000 digits": (
        GOOD + "seeds: " + "9" * 5000 + "\n",
        [
            "5:8: not a number: '" + "9" * 96 + "...",
            f"5:8: seeds: {SEEDS}",
        ],
    ),
    # protocols
    "models that do not do what the task asks": (
        MODELS("[guessing/mean, guessing/mute, guessing/picky]"),
        [
            f"4:29: model 'guessing/mute' {NO_GUESSER} 'guessing/guess': no method guess(values, context)",
            f"4:44: model 'guessing/picky' {NO_GUESSER} 'guessing/guess': {EXTRA}",
        ],
    ),
    "a model that does not fit either of two tasks": (
        MODELS("[guessing/mute]").replace("guess]", "guess, guessing/timed-guess]"),
        [
            f"4:14: model 'guessing/mute' {NO_GUESSER} 'guessing/guess': no method guess(values, context)",
            f"4:14: model 'guessing/mute' {NO_GUESSER} 'guessing/timed-guess': no method guess(values, context)",
        ],
    ),
    # what YAML could do
    "a Python object": (
        "name: !!python/object:os.system a\nmatrix: []\n",
        ["1:7: tag 'python/object:os.system' is not allowed in a suite", "2:9: matrix: is empty: nothing to run"],
    ),
    "a Python call": (
        "name: a\nmatrix: !!python/object/apply:os.system [ls]\n",
        [
            "2:9: tag 'python/object/apply:os.system' is not allowed in a suite",
            "2:42: matrix: expected a mapping, got the string 'ls'",
        ],
    ),
    "other tags": (
        GOOD + "description: !!binary aGVsbG8=\nscale: !mine smoke\nbackends: !!set {cpu}\n",
        [
            "5:14: tag 'binary' is not allowed in a suite",
            "6:8: tag '!mine' is not allowed in a suite",
            "7:11: backends: expected a list, got a mapping",
            "7:11: tag 'set' is not allowed in a suite",
        ],
    ),
    "tags that do not fit their values": (
        GOOD + "seeds: !!int x\nscale: !!bool x\n",
        [
            "5:8: not a number: 'x'",
            f"5:8: seeds: {SEEDS}",
            "6:8: not true or false: 'x'",
            "6:8: scale: expected one of 'smoke', 'claim', 'paper', got false",
        ],
    ),
    "booleans of YAML 1.1": (
        "%YAML 1.1\n---\n" + GOOD + "backends: [{cpu: {compiled: yes}}]\n",
        ["7:29: not true or false: 'yes'"],
    ),
    "a version of YAML behind a document": (
        "%YAML 1.9\n---\n" + GOOD,
        ["1:1: not valid YAML: version 1.9 is not known"],
    ),
    "an escape beyond all characters": (
        GOOD + 'description: "\\U00110000"',
        ["5:17: not valid YAML: an escape that stands for no character"],
    ),
    "an escape beyond all integers": (
        GOOD + 'description: "\\UFFFFFFFF"',
        ["5:17: not valid YAML: an escape that stands for no character"],
    ),
    "half a surrogate pair": (
        GOOD + 'description: "\\ud83d"\n',
        ["5:14: half a surrogate pair is no character"],
    ),
    "an alias in itself": (
        "name: &a [*a]\nmatrix: []\n",
        ["1:7: is nested too deeply"],
    ),
    "a bomb of aliases": (
        BOMB,
        ["1:32: has more than 5000 values, aliases expanded"],
    ),
    "deep nesting": (
        "name: " + "[" * 60 + "]" * 60 + "\n",
        ["1:57: is nested too deeply"],
    ),
    "very deep nesting": (
        "name: " + "{a: " * 5000 + "}" * 5000 + "\n",
        ["1:200: is nested too deeply"],
    ),
    # what is too much, and what only looks harmless
    "a mapping that is not closed": (
        "name: {a: 1\n",
        ["2:1: not valid YAML: expected ',' or '}', but got '<stream end>'"],
    ),
    "a tag that is not declared": (
        "name: !x!y a\n",
        ["1:7: not valid YAML: found undefined tag handle '!x!'"],
    ),
    "a directive twice": (
        "%YAML 1.2\n%YAML 1.2\n---\nname: a\n",
        ["2:1: not valid YAML: found duplicate YAML directive"],
    ),
    "the end of the document in its middle": (
        "name: a\n...\nmatrix: []\n",
        ["3:1: not valid YAML: expected a single document in the stream, but found another document"],
    ),
    "line ends of old Macs": (
        GOOD.replace("\n", "\r") + "sedes: 3\r",
        ["5:1: unknown key 'sedes' (did you mean 'seeds'?)"],
    ),
    "a byte-order mark": (
        "\ufeffnme: a\n" + GOOD.partition("\n")[2],
        ["1:1: missing key 'name'", "1:1: unknown key 'nme' (did you mean 'name'?)"],
    ),
    "an anchor of nothing": (
        GOOD + "description: &a\nseeds: *a\n",
        ["5:1: description: expected a string, got nothing", f"6:1: seeds: {SEEDS}"],
    ),
    "an alias as a key": (
        "name: &a a\n*a : 3\nmatrix: []\n",
        ["1:7: unknown key 'a'", "3:9: matrix: is empty: nothing to run"],
    ),
    "a key with a tag": (
        GOOD + "!!python/name:os.system sedes: 3\n",
        [
            "5:1: tag 'python/name:os.system' is not allowed in a suite",
            "5:1: unknown key 'sedes' (did you mean 'seeds'?)",
        ],
    ),
    "ordered mappings and pairs": (
        GOOD + "limits: !!omap [time: 1 s]\nbackends: !!pairs [cpu: {}]\n",
        [
            "5:9: limits: expected a mapping, got a list",
            "5:9: tag 'omap' is not allowed in a suite",
            "6:11: tag 'pairs' is not allowed in a suite",
        ],
    ),
    "a very long tag": (
        GOOD + "description: !" + "x" * 300 + " a\n",
        ["5:14: tag '!" + "x" * 95 + "... is not allowed in a suite"],
    ),
    "merges in merges": (
        "name: a\nbase: &a {<<: &b {seeds: 3}}\n"
        "matrix:\n  - {<<: *a, tasks: [guessing/guess], models: [guessing/mean]}\n",
        ["2:1: unknown key 'base'", "4:6: unknown key '<<'"],
    ),
    "numbers that are not finite": (
        MODELS("[{guessing/constant: {value: [.nan, -.inf, 1e999]}}]"),
        [
            "4:43: not a finite number: '.nan'",
            "4:49: not a finite number: '-.inf'",
            "4:56: not a finite number: '1e999'",
        ],
    ),
    "a hexadecimal integer of 5000 digits": (
        GOOD + "seeds: 0x" + "f" * 5000 + "\n",
        ["5:8: not a number: '0x" + "f" * 94 + "...", f"5:8: seeds: {SEEDS}"],
    ),
    "a number of seeds with an exponent": (
        GOOD + "seeds: 1e3\n",
        [f"5:8: seeds: {SEEDS}"],
    ),
    "seeds in minutes and seconds": (
        "%YAML 1.1\n---\n" + GOOD + "seeds: 1:30\n",
        ["7:8: not a number: '1:30'", f"7:8: seeds: {SEEDS}"],
    ),
    "control characters by escapes": (
        'name: "\\e[31ma\\0"\nmatrix: []\n',
        [f"1:7: {NAME} '\\x1b[31ma\\x00'", "2:9: matrix: is empty: nothing to run"],
    ),
    "a name that runs backwards": (
        "name: a\u202eb\nmatrix: []\n",
        [f"1:7: {NAME} 'a\\u202eb'", "2:9: matrix: is empty: nothing to run"],
    ),
    "letters that only look the same": (
        MODELS("[gu\u0435ssing/mean]"),
        ["4:14: unknown model 'gu\u0435ssing/mean' (did you mean 'guessing/mean'?)"],
    ),
    "a name with a path": (
        GOOD.replace("name: a", "name: ../../etc/passwd"),
        [f"1:7: {NAME} '../../etc/passwd'"],
    ),
    "a name that is a device": (
        GOOD.replace("name: a", "name: /dev/null"),
        [f"1:7: {NAME} '/dev/null'"],
    ),
    "a name of dots": (
        GOOD.replace("name: a", "name: .."),
        [f"1:7: {NAME} '..'"],
    ),
    "a name that ends in a line end": (
        GOOD.replace("name: a", 'name: "a\\n"'),
        [f"1:7: {NAME} 'a\\n'"],
    ),
    "a name of 65 letters": (
        GOOD.replace("name: a", "name: " + "a" * 65),
        ["1:7: name: expected at most 64 characters, got '" + "a" * 65 + "'"],
    ),
    "components with paths": (
        MODELS("[../../guessing/mean, guessing/../mean]"),
        [
            "4:14: unknown model '../../guessing/mean' (did you mean 'guessing/mean'?)",
            f"4:35: unknown model 'guessing/../mean' (did you mean 'guessing/mean'?){HAS_MODELS}",
        ],
    ),
    "components that Python has": (
        MODELS("[guessing/__class__, __main__/x]"),
        [f"4:14: unknown model 'guessing/__class__'{HAS_MODELS}", "4:34: unknown model '__main__/x'"],
    ),
    "a very long component": (
        MODELS("[guessing/" + "m" * 500 + "]"),
        ["4:14: unknown model 'guessing/" + "m" * 87 + "..." + HAS_MODELS],
    ),
    "a very long key": (
        GOOD + "k" * 500 + ": 1\n",
        ["5:1: unknown key '" + "k" * 96 + "..."],
    ),
    "a very long value": (
        GOOD + "scale: " + "s" * 500 + "\n",
        ["5:8: scale: expected one of 'smoke', 'claim', 'paper', got the string '" + "s" * 96 + "..."],
    ),
    "retries below zero": (
        GOOD + "retries: -1\n",
        ["5:10: retries: expected at least 0, got -1"],
    ),
    "more retries than help": (
        GOOD + "    retries: 11\n",
        ["5:14: retries: expected at most 10, got 11"],
    ),
    "retries in words": (
        GOOD + "retries: often\n",
        ["5:10: retries: expected an integer, got the string 'often'"],
    ),
    "limits that no clock and no machine has": (
        GOOD + "limits: {time: " + "9" * 400 + " h, memory: 9999999999 TB}\n",
        ["5:16: time: expected at most 500 h", "5:428: memory: expected at most 1000 TB"],
    ),
    "a metric twice": (
        GOOD + "    metrics: [error, error]\n",
        ["5:22: the same metric is listed twice"],
    ),
    "more cases than a suite may have": (
        MODELS(f"[{{guessing/constant: {{value: [{NUMBERS}]}}}}]") + "seeds: 100000\n",
        ["3:5: 10,000,000 cases up to here: a suite has at most 1,000,000"],
    ),
    "more cases in two matrices than a suite may have": (
        "name: a\nseeds: 100000\nmatrix:\n"
        + f"  - {{tasks: [guessing/guess], models: [{'guessing/mean, ' * 6}]}}\n" * 2,
        ["5:5: 1,200,000 cases up to here: a suite has at most 1,000,000"],
    ),
    "five axes of a hundred values": (
        f"name: a\nmatrix:\n  - tasks: [guessing/guess: {{size: &v [{NUMBERS}], spread: *v}}]\n"
        "    models: [guessing/constant: {value: *v, count: *v}]\n    seeds: *v\n",
        ["3:5: 10,000,000,000 cases up to here: a suite has at most 1,000,000"],
    ),
    "more values than a suite may have": (
        GOOD + "seeds: [" + "1, " * 5000 + "1]\n",
        ["5:14967: has more than 5000 values"],
    ),
    "more text than a suite may have": (
        "name: &a " + "x" * 9999 + "\nmatrix: [" + "*a, " * 150 + "]\n",
        ["1:7: has more than 1000000 characters, aliases expanded"],
    ),
    "more problems than anybody reads": (
        GOOD + "".join(f"wibble{number}: 1\n" for number in range(100)),
        [f"{number + 5}:1: unknown key 'wibble{number}'" for number in range(50)]
        + ["55:1: and more: the rest of the problems is not told"],
    ),
    "blocks nested deeply": (
        "".join(" " * depth + "a:\n" for depth in range(60)),
        ["50:50: is nested too deeply"],
    ),
    "lists nested deeply on one line": (
        "- " * 60 + "a\n",
        ["1:101: is nested too deeply"],
    ),
    "a hundred thousand brackets": (
        "[" * 100_000,
        ["1:51: is nested too deeply"],
    ),
    "a list as a name": (
        MODELS("[{[a]: {}}]"),
        ["4:14: models: expected a name, or one name with a mapping of parameters", "4:15: a key must be a string"],
    ),
    # several at once
    "many problems, in the order of the file": (
        "nme: a\nseeds: -1\nmatrix:\n  - tasks: [guessing/gues]\n"
        "    models: [{guessing/constant: {value: x}}, guessing/mute]\n    scale: tiny\n"
        "  - tasks: [guessing/guess]\n    models: [guessing/mute]\n    limits: {time: 3}\n",
        [
            "1:1: missing key 'name'",
            "1:1: unknown key 'nme' (did you mean 'name'?)",
            f"2:8: seeds: {SEEDS}",
            f"4:13: unknown task 'guessing/gues' (did you mean 'guessing/guess'?){HAS_TASKS}",
            "5:42: parameter 'value': expected a number, got the string 'x'",
            "6:12: scale: expected one of 'smoke', 'claim', 'paper', got the string 'tiny'",
            f"8:14: model 'guessing/mute' {NO_GUESSER} 'guessing/guess': no method guess(values, context)",
            "9:20: time: expected a duration such as 30 s",
        ],
    ),
    "Windows line ends": (
        GOOD.replace("\n", "\r\n") + "sedes: 1\r\n",
        ["5:1: unknown key 'sedes' (did you mean 'seeds'?)"],
    ),
    "a position after other scripts": (
        GOOD + "description: 漢字 ü\nsédes: 3\n",
        ["6:1: unknown key 'sédes' (did you mean 'seeds'?)"],
    ),
}


def lines(stderr: str, path: Path, toys: Path) -> list[str]:
    """What was said, without the file's name before each line."""
    said = stderr.replace(str(toys), "TOYS").splitlines()
    assert all(line.startswith(f"{path}:") for line in said)
    return [line.removeprefix(f"{path}:") for line in said]


@pytest.mark.parametrize("name", CASES)
def test_every_problem_is_told_with_its_place(only_toys, tmp_path, name):
    text, expected = CASES[name]
    path = tmp_path / "suite.yaml"
    path.write_bytes(text.encode())
    result = CliRunner().invoke(root, ["validate", str(path)])
    assert lines(result.stderr, path, only_toys) == expected
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("name", ["an empty file", "a bomb of aliases", "many problems, in the order of the file"])
@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_fresh_process_tells_the_same_and_returns_2(harness, toys, tmp_path, command, name):
    text, expected = CASES[name]
    path = tmp_path / "suite.yaml"
    path.write_bytes(text.encode())
    result = harness(command, str(path))
    assert lines(result.stderr, path, toys) == expected
    assert result.returncode == 2
    assert result.stdout == ""


def make_folder(path: Path) -> None:
    path.mkdir()


def make_nothing(path: Path) -> None:
    assert not path.exists()


def make_latin(path: Path) -> None:
    path.write_bytes("name: zürich\n".encode("latin-1"))


def make_utf_16(path: Path) -> None:
    path.write_bytes("name: a\n".encode("utf-16"))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


def make_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100_000_000)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (make_folder, "cannot be read: is a directory"),
        (make_nothing, "cannot be read: no such file or directory"),
        (make_latin, "is not UTF-8 text: invalid start byte"),
        (make_utf_16, "is not UTF-8 text: invalid start byte"),
        (make_pipe, "cannot be read: is not a regular file"),
        (make_endless, "cannot be read: is not a regular file"),
        (make_loop, "cannot be read: too many levels of symbolic links"),
        (make_large, "is too large: a suite has at most 131072 characters"),
    ],
)
def test_a_file_that_cannot_be_read(only_toys, tmp_path, make, expected):
    path = tmp_path / "suite.yaml"
    make(path)
    result = CliRunner().invoke(root, ["validate", str(path)])
    assert (result.exit_code, result.stderr) == (2, f"{path}: {expected}\n")


SETTINGS = {
    "seeds": ["expected key=value"],
    "": ["expected key=value"],
    "=3": ["expected key=value"],
    "seeds=": [f"seeds: {SEEDS}"],
    "seeds=[": ["not valid YAML: expected the node content, but found '<stream end>'"],
    "seed=3": ["unknown key 'seed' (did you mean 'seeds'?)"],
    "1=2": ["unknown key '1'"],
    "²=2": ["unknown key '²'"],
    "a..b=1": ["unknown key 'a'"],
    "name.x=1": ["there is no 'x' to set"],
    "matrix.5.scale=smoke": ["there is no 5 to set"],
    "matrix.-1.scale=smoke": ["there is no '-1' to set"],
    "matrix.first.scale=smoke": ["there is no 'first' to set"],
    "matrix.0.tasks.1=guessing/guess": ["there is no 1 to set"],
    "matrix.0.scale=tiny": ["scale: expected one of 'smoke', 'claim', 'paper', got the string 'tiny'"],
    "matrix.0.size=3": ["unknown key 'size'"],
    "matrix.0.models.0=guessing/mute": [
        f"model 'guessing/mute' {NO_GUESSER} 'guessing/guess': no method guess(values, context)"
    ],
    "matrix.0.models=[guessing/constant: {value: [1.0, x]}]": [
        "parameter 'value': expected a number, got the string 'x'"
    ],
    "matrix=[]": ["matrix: is empty: nothing to run"],
    "matrix=[3, {}]": [
        "matrix: expected a mapping, got the number 3",
        "missing key 'models'",
        "missing key 'tasks'",
    ],
    "limits.time=1": ["time: expected a duration such as 30 s"],
    "limits={time: 1 s, time: 2 s}": ["duplicate key 'time' (first at line 1)"],
    "matrix.0.models=[" + "[" * 60: ["is nested too deeply"],
    ".".join(["a"] * 100_000) + "=1": ["is nested too deeply"],
    "seeds=.nan": ["not a finite number: '.nan'", f"seeds: {SEEDS}"],
    "seeds=" + "9" * 200: ["not a number: '" + "9" * 96 + "...", f"seeds: {SEEDS}"],
    "name=../../x": [f"{NAME} '../../x'"],
    "name=\x1b[31m": ["not valid YAML: the character U+001B is not allowed"],
    "description=!!python/name:os.system x": ["tag 'python/name:os.system' is not allowed in a suite"],
}


@pytest.mark.parametrize("assignment", SETTINGS)
def test_an_override_that_is_wrong_is_told_as_such(only_toys, suite, assignment):
    result = CliRunner().invoke(root, ["validate", str(suite(GOOD)), "--set", assignment])
    said = printable(cut(assignment))
    assert result.stderr.splitlines() == [f"--set {said}: {text}" for text in SETTINGS[assignment]]
    assert result.exit_code == 2


def test_problems_as_json(only_toys, suite):
    path = suite(GOOD + "sedes: 3\n")
    result = CliRunner().invoke(root, ["validate", "--json", str(path)])
    place = {"file": str(path), "line": 5, "column": 1}
    assert json.loads(result.stdout) == [{**place, "message": "unknown key 'sedes' (did you mean 'seeds'?)"}]
    assert (result.exit_code, result.stderr) == (2, "")


def test_a_wrong_suite_does_not_hide_another(only_toys, suite):
    good, bad = suite(GOOD, "good.yaml"), suite("", "bad.yaml")
    result = CliRunner().invoke(root, ["validate", str(bad), str(good)])
    assert result.stdout == f"{good}: ok, 1 cases\n"
    assert result.stderr.startswith(f"{bad}:1:1: ")
    assert result.exit_code == 2
