"""Values against the schemas of OpenAPI documents. Run in target/check-venv: `messages_by_contract.py CASES DOCUMENT…`.

CASES holds one JSON object a line: name, types, value, and `spoilt` where a document must refuse the value. Prints how
many each document judged and how many of the spoilt ones it refused, and one sentence for each violation.
"""

import json
import pathlib
import sys

import jsonschema
from requests_by_contract import modern


def main(cases, *documents):
    """One sentence a violation on stderr, the counts on stdout."""
    with open(cases) as file:
        cases = [json.loads(line) for line in file]
    counted, wrong = {}, []
    for path in documents:
        with open(path) as file:
            components = modern(json.load(file)["components"])
        fits = refused = 0
        for case in cases:
            for name in set(case["types"]) & set(components["schemas"]):
                whole = {"$ref": f"#/components/schemas/{name}", "components": components}
                error = next(jsonschema.Draft202012Validator(whole).iter_errors(case["value"]), None)
                if bool(error) == bool(case.get("spoilt")):
                    fits, refused = fits + (not error), refused + bool(error)
                else:
                    wrong.append(f"{case['name']}, as {name}: {error.message[:200] if error else 'is spoilt, and taken'}")
        counted[pathlib.Path(path).name] = [fits, refused]
    print(json.dumps(counted))
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
