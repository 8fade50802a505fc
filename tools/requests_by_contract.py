"""Recorded requests against a vendor's OpenAPI document. Run in target/check-venv: `requests_by_contract.py DOCUMENT RECORDED`.

RECORDED holds one JSON object a line: method, path, query (name to value), body. Prints one sentence for each violation,
and for each operation that was asked for, how often.
"""

import collections
import json
import re
import sys

import jsonschema


def modern(schema):
    """OpenAPI 3.0's `nullable` and boolean bounds as JSON Schema says them."""
    if isinstance(schema, list):
        return [modern(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: modern(part) for name, part in schema.items() if name not in ("discriminator", "example", "nullable")}
    kept = {name: part for name, part in kept.items() if not (name.startswith("exclusive") and isinstance(part, bool))}
    return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") is True else kept


def parts(document, schema):
    """A schema with whatever it is composed of."""
    yield schema
    if "$ref" in schema:
        _, _, kind, name = schema["$ref"].split("/")
        yield from parts(document, document["components"][kind][name])
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, []):
            yield from parts(document, part)


def unknown(document, schema, value, place=""):
    """Members that no part of a schema names: vendors pass over what is misspelt. A schema without any names is a map."""
    composed = list(parts(document, schema))
    if isinstance(value, list):
        for item in [part["items"] for part in composed if "items" in part][:1]:
            for entry in value:
                yield from unknown(document, item, entry, place)
    if isinstance(value, dict):
        named = {name: part for whole in composed for name, part in whole.get("properties", {}).items()}
        for name, inner in value.items() if named else []:
            if name not in named:
                yield f"{place}/{name}"
            else:
                yield from unknown(document, named[name], inner, f"{place}/{name}")


def operation(document, request):
    """The path and the operation that a request means; a path with fewer variables first."""
    for path, item in sorted(document["paths"].items(), key=lambda entry: entry[0].count("{")):
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, request["path"]) and request["method"].lower() in item:
            return path, item, item[request["method"].lower()]
    return None


def violations(document, request, found):
    """What the document does not allow about a request."""
    path, item, asked = found
    resolve = lambda part: document["components"][part["$ref"].split("/")[2]][part["$ref"].split("/")[3]] if "$ref" in part else part
    parameters = [resolve(part) for part in item.get("parameters", []) + asked.get("parameters", [])]
    query = {part["name"]: part for part in parameters if part["in"] == "query"}
    where = f"{request['method']} {path}"
    for name in request["query"]:
        if name not in query:
            yield f"{where}: no parameter {name}"
    for name, part in query.items():
        if part.get("required") and name not in request["query"]:
            yield f"{where}: {name} is missing"
    body = asked.get("requestBody")
    if request["body"] is None:
        if body and resolve(body).get("required"):
            yield f"{where}: no body"
        return
    if not body:
        yield f"{where}: a body where none is taken"
        return
    schema = next(iter(resolve(body)["content"].values())).get("schema", {})
    for member in unknown(document, schema, request["body"]):
        yield f"{where}: no member {member[1:]}"
    whole = {"allOf": [modern(schema)], "components": modern(document["components"])}
    for error in jsonschema.Draft202012Validator(whole).iter_errors(request["body"]):
        yield f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def main(document, recorded):
    """One sentence a violation on stderr, the counts on stdout."""
    with open(document) as file:
        document = json.load(file)
    with open(recorded) as file:
        requests = [json.loads(line) for line in file]
    counted, wrong = collections.Counter(), set()
    for request in requests:
        found = operation(document, request)
        if found is None:
            wrong.add(f"no operation {request['method']} {request['path']}")
            continue
        counted[f"{request['method']} {found[0]}"] += 1
        wrong |= set(violations(document, request, found))
    print(json.dumps(counted))
    print("\n".join(sorted(wrong)), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
