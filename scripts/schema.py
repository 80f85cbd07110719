#!/usr/bin/env python3
# Writes configs/schema.json, the JSON schema of every kind of config (experiment, table, study), from what the program
# says of its keys (`optdnn list keys --json`, `list study_keys --json`, `list algorithms --json`). Editors with a YAML
# language server complete and check by it: each config names it in a comment. With --check nothing is written, and the
# exit code is 1 where the file is not the one that would be.
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import generated

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "configs/schema.json"
Schema = dict[str, Any]

EXPONENT = r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"  # a number that YAML 1.1 takes for a text
TEXT: Schema = {"type": "string"}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
BESIDE_MODEL = ("algorithm", "module", "modules", "depth", "width", "stem", "transition", "head")
DURATION = {"epochs", "iterations", "fraction"}


def program(*words: str) -> Any:
    name = os.environ.get("OPTDNN_PROGRAM", str(ROOT / "build/release/optdnn"))
    return json.loads(subprocess.run([name, *words, "--json"], capture_output=True, text=True, check=True).stdout)


def readable(schema: Any) -> Any:
    """As YAML readers of both versions see values: numbers with an exponent as texts too. anyOf in place of oneOf."""
    if isinstance(schema, list):
        return [readable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {("anyOf" if key == "oneOf" else key): value if key in ("default", "enum", "const") else readable(value)
            for key, value in schema.items()}
    if made.get("type") == "number":
        return {"anyOf": [made, {"type": "string", "pattern": EXPONENT}]}
    if made.get("type") == "object" and set(made.get("properties", {})) and set(made["properties"]) <= DURATION:
        made |= {"minProperties": 1, "maxProperties": 1}
    return made


def partial(schema: Schema) -> Schema:
    """What may be merged over a value: maps lack what they leave alone, and a name where they keep the choice."""
    made = {key: value for key, value in schema.items() if key != "required"}
    if "properties" in made:
        made["properties"] = {key: value if key == "name" else partial(value)
                              for key, value in made["properties"].items()}
    named = [part for part in made.get("anyOf", []) if "name" in part.get("properties", {})]
    if named:
        keys: dict[str, list[Schema]] = {}
        for part in named:
            for key, value in part["properties"].items():
                keys.setdefault(key, []).append(partial(value))
        union = {key: values[0] if len(values) == 1 else {"anyOf": values}
                 for key, values in keys.items() if key != "name"}
        made["anyOf"] = [*made["anyOf"], {"type": "object", "properties": union, "additionalProperties": False}]
    elif "anyOf" in made:
        made["anyOf"] = [partial(part) for part in made["anyOf"]]
    return made


def map_of(properties: dict[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def axes() -> Schema:
    return {"type": ["object", "null"], "additionalProperties": {"type": ["array", "null"], "minItems": 1}}


def references(keys: dict[str, Schema], prefix: str, definitions: dict[str, Schema]) -> tuple[dict, dict]:
    """Each key's schema and what may be merged over it, as references to `definitions`."""
    wholes, parts = {}, {}
    for key, value in keys.items():
        definitions[prefix + key] = value
        wholes[key] = parts[key] = {"$ref": f"#/$defs/{prefix}{key}"}
        over = partial(value)
        if over != value:
            definitions[f"{prefix}{key}.part"] = over
            parts[key] = {"$ref": f"#/$defs/{prefix}{key}.part"}
    return wholes, parts


def exclusive(properties: dict[str, Schema]) -> Schema:
    """Keys of which a map holds one: a rule or a model, one module or several."""
    pairs = [("model", key) for key in BESIDE_MODEL] + [("module", "modules")]
    found = [{"required": list(pair)} for pair in pairs if set(pair) <= set(properties)]
    return {"not": {"anyOf": found}} if found else {}


def table_of(parts: dict[str, Schema], rules: Schema, **more: Schema) -> Schema:
    row = {"id": TEXT, "paper": {"type": ["object", "null"]}, "grid": axes(), "zip": axes(), **parts}
    return map_of({"include": OPTIONAL_TEXT, "table": TEXT, "defaults": map_of(parts, **rules),
                   "rows": {"type": "array", "items": map_of(row, **rules)}, "grid": axes(), "zip": axes(), **more},
                  anyOf=[{"required": ["rows"]}, {"required": ["include"]}])


def algorithm(schema: Schema, names: list[str]) -> Schema:
    """A name of the catalogue alone, or a map; without equations its name is one of the catalogue's."""
    known = {"if": {"not": {"required": ["equations"]}}, "then": {"properties": {"name": {"enum": names}}}}
    return {"description": schema.get("description", ""), "anyOf": [{"enum": names}, {**schema, **known}]}


def file_schema(experiment: Schema, study: Schema | None = None, names: list[str] | None = None) -> Schema:
    """The schema of a config from those of an experiment and of a study's row."""
    keys = dict(readable(experiment)["properties"])
    if names and "algorithm" in keys:
        keys["algorithm"] = algorithm(keys["algorithm"], names)
    rules, definitions = exclusive(keys), {}
    wholes, parts = references(keys, "", definitions)
    whole = map_of({**wholes, "paper": {"type": ["object", "null"]}, "grid": axes(), "zip": axes()}, **rules,
                   required=experiment.get("required", []))
    above = map_of({"include": OPTIONAL_TEXT, **parts, "grid": axes(), "zip": axes()}, **rules)
    found: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "a config of optdnn: an experiment, a table of them, or a study; written by scripts/schema.py",
        "if": {"anyOf": [{"required": [key]} for key in ("table", "defaults", "rows")]},
        "then": table_of(parts, rules),
        "else": {"if": {"required": ["include"]}, "then": above, "else": whole}}
    found["$defs"] = definitions
    if study is None:
        return found
    of_study = dict(readable(study)["properties"])
    if names and "algorithm" in of_study:
        of_study["algorithm"] = algorithm(of_study["algorithm"], names)
    inner = {key: found.pop(key) for key in ("if", "then", "else")}
    return {**found, "if": {"required": ["study"]},
            "then": table_of(references(of_study, "study.", definitions)[1], {}, study={"const": "converge"}),
            "else": inner}


def text() -> str:
    names = [entry["name"] for entry in program("list", "algorithms")]
    schema = file_schema(program("list", "keys"), program("list", "study_keys"), names)
    definitions = schema.pop("$defs")
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in definitions.items())
    return json.dumps(schema)[:-1] + f', "$defs": {{\n{lines}}}}}\n'


if __name__ == "__main__":
    sys.exit(generated.run({FILE: text}, "Writes configs/schema.json."))
