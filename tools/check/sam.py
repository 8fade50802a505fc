"""template.yaml against the SAM CLI and cfn-lint, and against the house rules that neither knows."""

import json
import re
import tempfile

from . import house
from .programs import clean_environment, run, tools
from .report import ROOT, Failed, Proof


def undocumented(template):
    """Parameters that neither README.md nor docs/OPERATIONS.md names: whoever deploys would not know of them."""
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "OPERATIONS.md").read_text()
    for name in template["Parameters"]:
        if not re.search(rf"`{name}\b", text):
            yield f"the parameter {name} is in no document"


def check():
    """The template is valid before and after the transform, and grants no more than the rules allow."""
    bin_ = tools()
    environment = clean_environment()
    run([bin_ / "sam", "validate", "--lint", "--region", "us-east-1"], env=environment)
    transformed = run([bin_ / "python", ROOT / "tools" / "transform.py"], env=environment)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(transformed)
        file.flush()
        # The transform replaces references to a list parameter by its value, which makes the parameter look unused.
        run([bin_ / "cfn-lint", "--ignore-checks", "W2001", "--template", file.name], env=environment)
    template = json.loads(transformed)
    broken = house.violations(template) or list(undocumented(template))
    if broken:
        raise Failed("\n".join(broken))
    functions = len(house.of_type(template, "AWS::Lambda::Function"))
    return Proof("sam", "template.yaml valid, transformed template valid, house rules", "SAM CLI, cfn-lint", f"{functions} functions")
