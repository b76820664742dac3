"""GitHub's own OpenAPI description, cut down to what the bot uses, and the check of a request and a reply against it.

The cut is made by `python tests/github_description.py api.github.com.json` from npm's `@octokit/openapi`; it stands in
`tests/agents/run/bot/data/openapi.json`.
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

KEPT = Path(__file__).parent / "agents" / "run" / "bot" / "data" / "openapi.json"
DEPTH = 4  # levels of a reply's fields that are kept
REPOSITORY = "/repos/{owner}/{repo}"
USED = [
    ("get", "/users/{username}"),
    ("get", REPOSITORY),
    ("get", f"{REPOSITORY}/collaborators/{{username}}/permission"),
    ("get", f"{REPOSITORY}/issues/{{issue_number}}"),
    ("get", f"{REPOSITORY}/issues/{{issue_number}}/comments"),
    ("post", f"{REPOSITORY}/issues/{{issue_number}}/comments"),
    ("get", f"{REPOSITORY}/issues/comments"),
    ("patch", f"{REPOSITORY}/issues/comments/{{comment_id}}"),
    ("get", f"{REPOSITORY}/pulls"),
    ("post", f"{REPOSITORY}/pulls"),
    ("get", f"{REPOSITORY}/pulls/{{pull_number}}"),
    ("patch", f"{REPOSITORY}/pulls/{{pull_number}}"),
    ("get", f"{REPOSITORY}/pulls/{{pull_number}}/comments"),
    ("post", f"{REPOSITORY}/pulls/{{pull_number}}/comments"),
    ("get", f"{REPOSITORY}/commits/{{ref}}/check-runs"),
    ("get", f"{REPOSITORY}/git/ref/{{ref}}"),
    ("get", f"{REPOSITORY}/compare/{{basehead}}"),
    ("get", f"{REPOSITORY}/commits"),
]
WORDS = ("description", "example", "examples", "title", "deprecated", "x-github", "externalDocs")


class NotDescribed(AssertionError):
    """What was sent, or answered, is not as GitHub describes it."""


@cache
def operations() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(KEPT.read_text())["operations"]
    for each in found:
        names = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(each["path"]))
        # A ref may hold slashes; a number may not be anything else.
        each["pattern"] = re.compile(names.replace("(?P<ref>[^/]+)", "(?P<ref>.+?)"))
    return found


def described(method: str, path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
    """The operation that a request is. Raises NotDescribed: it is none, or does not fit."""
    for each in operations():
        match = each["pattern"].fullmatch(path)
        if each["method"] == method.lower() and match and fits(each, match.groupdict()):
            check_request(each, query, body)
            return each
    raise NotDescribed(f"GitHub has no {method} {path}, or the bot's list of what it uses does not have it")


def fits(operation: dict[str, Any], parts: dict[str, str]) -> bool:
    kinds = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "path"}
    return all(valid(kinds[name], number(kinds[name], value)) for name, value in parts.items())


def check_request(operation: dict[str, Any], query: dict[str, str], body: Any) -> None:
    if not operation["apps"]:
        raise NotDescribed(f"{operation['path']} is closed to apps, and the bot is one")
    known = {p["name"]: p for p in operation["parameters"] if p["in"] == "query"}
    for name, value in query.items():
        if name not in known:
            raise NotDescribed(f"{operation['path']} has no query {name}")
        schema = known[name]["schema"]
        if not valid(schema, number(schema, value)):
            raise NotDescribed(f"{name}={value} does not fit {operation['path']}")
    missing = [name for name, p in known.items() if p.get("required") and name not in query]
    if missing:
        raise NotDescribed(f"{operation['path']} needs the query {missing[0]}")
    check_body(operation, body)


def check_body(operation: dict[str, Any], body: Any) -> None:
    schema = operation["body"]
    if schema is None:
        if body is not None:
            raise NotDescribed(f"{operation['path']} takes no body")
        return
    problem = jsonschema.exceptions.best_match(validator(json.dumps(schema)).iter_errors(body))
    if problem is not None:
        raise NotDescribed(f"{operation['method']} {operation['path']}: {problem.message}")
    odd = set(body) - set(schema["properties"])
    if odd:
        raise NotDescribed(f"{operation['path']} has no field {sorted(odd)}")


def check_reply(operation: dict[str, Any], reply: Any, prefix: str = "") -> None:
    """Every field that the fake answers with is one of GitHub's, and of its type."""
    for row in reply if isinstance(reply, list) else [reply]:
        for name, value in row.items():
            path = f"{prefix}{name}"
            kinds = operation["reply"].get(path)
            if kinds is None:
                raise NotDescribed(f"GitHub's reply to {operation['path']} has no field {path}")
            if kind_of(value) not in kinds:
                raise NotDescribed(f"{path} of {operation['path']} is {kinds}, not {kind_of(value)}")
            if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
                check_reply(operation, value, f"{path}.")


def kind_of(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object", type(None): "null"}
    return kinds[type(value)]


def number(schema: dict[str, Any], value: str) -> Any:
    return int(value) if schema.get("type") == "integer" and value.isdigit() else value


def valid(schema: dict[str, Any], value: Any) -> bool:
    return bool(validator(json.dumps(schema)).is_valid(value))


@cache
def validator(schema: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema))


# -- making the cut


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The operations that are used: parameters, bodies as plain JSON Schema, and the fields of replies."""
    rows = []
    for method, path in USED:
        found = whole["paths"][path][method]
        good = next(found["responses"][code] for code in ("200", "201") if code in found["responses"])
        reply: dict[str, set[str]] = {}
        fields(whole, solid(whole, good)["content"]["application/json"]["schema"], "", DEPTH, reply)
        body = found.get("requestBody")
        rows.append(
            {
                "method": method,
                "path": path,
                "apps": found["x-github"]["enabledForGitHubApps"],
                "parameters": [parameter(whole, each) for each in found.get("parameters", ())],
                "body": plain(whole, body["content"]["application/json"]["schema"]) if body else None,
                "reply": {name: sorted(value) for name, value in sorted(reply.items()) if "_url" not in name and value},
            }
        )
    return {"version": whole["info"]["version"], "operations": rows}


def parameter(whole: Any, node: Any) -> dict[str, Any]:
    node = solid(whole, node)
    schema = plain(whole, node["schema"])
    return {"name": node["name"], "in": node["in"], "required": node.get("required", False), "schema": schema}


def solid(whole: Any, node: Any) -> Any:
    """What a reference stands for."""
    while "$ref" in node:
        found = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def plain(whole: Any, node: Any) -> Any:
    """A schema without words, references put in, and OpenAPI 3.0's `nullable` as a type."""
    if isinstance(node, list):
        return [plain(whole, each) for each in node]
    if not isinstance(node, dict):
        return node
    node = dict(solid(whole, node))
    properties = node.pop("properties", None)
    kept = {name: plain(whole, value) for name, value in node.items() if name not in WORDS}
    if properties is not None:
        kept["properties"] = {name: plain(whole, value) for name, value in properties.items()}
    if kept.pop("nullable", False) and "type" in kept:
        kept["type"] = [kept["type"], "null"]
    return kept


def variants(node: Any) -> list[Any]:
    return [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]


def fields(whole: Any, node: Any, prefix: str, depth: int, into: dict[str, set[str]]) -> None:
    """Every field's path, and the types that it may have."""
    node = solid(whole, node)
    for each in variants(node):
        fields(whole, each, prefix, depth, into)
    if node.get("type") == "array":
        fields(whole, node["items"], prefix, depth, into)
    for name, value in node.get("properties", {}).items() if depth else ():
        path = f"{prefix}{name}"
        into.setdefault(path, set()).update(kinds(whole, value))
        fields(whole, value, f"{path}.", depth - 1, into)


def kinds(whole: Any, node: Any) -> set[str]:
    node = solid(whole, node)
    found = {node["type"]} if "type" in node else set()
    for each in variants(node):
        found |= kinds(whole, each)
    return found | ({"null"} if node.get("nullable") else set())


if __name__ == "__main__":
    KEPT.write_text(
        json.dumps(cut(json.loads(Path(sys.argv[1]).read_text())), indent=None, separators=(",", ":")) + "\n"
    )
    print(f"{KEPT}: {KEPT.stat().st_size} bytes")
