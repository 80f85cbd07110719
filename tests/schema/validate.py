# The part of JSON schema 2020-12 that configs/schema.json uses. Returns where and why a value does not fit, or nothing.
import re
from typing import Any

KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_kind(value: Any, kind: str) -> bool:
    if kind in ("number", "integer"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (kind == "number" or value == int(value))
    return isinstance(value, KINDS[kind]) and not (kind != "boolean" and isinstance(value, bool))


def complaints(value: Any, schema: Any, root: dict, place: str = "") -> list[str]:
    def inner(v: Any, s: Any, at: str = "") -> list[str]:
        return complaints(v, s, root, place + at)

    if isinstance(schema, bool):
        return [] if schema else [f"{place}: nothing may stand here"]
    if "$ref" in schema:
        found = inner(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        if found:
            return found
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_kind(value, kind) for kind in kinds):
        return [f"{place}: no {' or '.join(kinds)}: {value!r}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{place}: {value!r} is not {schema['const']!r}")
    if "anyOf" in schema and all(inner(value, part) for part in schema["anyOf"]):
        found.append(f"{place}: fits no alternative: {value!r}")
    if "not" in schema and not inner(value, schema["not"]):
        found.append(f"{place}: what may not be together")
    if "if" in schema:
        branch = schema.get("else" if inner(value, schema["if"]) else "then", True)
        found += inner(value, branch)
    if is_kind(value, "number"):
        for key, wrong in (("minimum", lambda a, b: a < b), ("maximum", lambda a, b: a > b),
                           ("exclusiveMinimum", lambda a, b: a <= b), ("exclusiveMaximum", lambda a, b: a >= b)):
            if key in schema and wrong(value, schema[key]):
                found.append(f"{place}: {value} against {key} {schema[key]}")
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0) or not re.search(schema.get("pattern", ""), value):
            found.append(f"{place}: text {value!r}")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{place}: {len(value)} entries")
        for number, item in enumerate(value):
            found += inner(item, schema.get("items", True), f"[{number}]")
    if isinstance(value, dict):
        if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
            found.append(f"{place}: {len(value)} keys")
        found += [f"{place}: '{key}' is missing" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            known = schema.get("properties", {})
            found += inner(item, known[key] if key in known else schema.get("additionalProperties", True), f".{key}")
    return found
