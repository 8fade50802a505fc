"""Prints template.yaml as CloudFormation sees it: SAM's transform, offline, parameters at their defaults.

Run it with the Python that has aws-sam-cli (`./check` keeps one in target/check-venv).
"""

import json
import os
import pathlib
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.sdk.parameter import SamParameterValues
from samtranslator.translator.translator import Translator

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGION = "us-east-1"

# Values for the parameters that have no default, so that the transform can resolve them.
STAND_INS = {
    "PublicBaseUrl": "https://api.example.com",
    "FrontendReturnUrls": "https://app.example.com/settings",
    "FrontendOrigins": "https://app.example.com",
    "ClerkIssuer": "https://clerk.example.com",
    "ClerkJwksUrl": "https://clerk.example.com/.well-known/jwks.json",
    "ClerkAuthorizedParties": "https://app.example.com",
    "MicrosoftClientId": "00000000-0000-0000-0000-000000000000",
    "GoogleClientId": "example.apps.googleusercontent.com",
}


def place_code(template):
    """`sam build` replaces a function's folder by an archive; the transform accepts only the latter."""
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": "slotline.zip"}


def parameter_values(parameters):
    """Every parameter's value; CloudFormation hands a comma-delimited list to the transform as a list."""
    values = {name: str(p["Default"]) for name, p in parameters.items() if "Default" in p}
    values.update(STAND_INS)
    lists = [name for name, p in parameters.items() if p["Type"] == "CommaDelimitedList"]
    values.update({name: values[name].split(",") for name in lists})
    pseudo = SamParameterValues(values)
    pseudo.add_pseudo_parameter_values(None)
    return pseudo.parameter_values


def transform(source):
    """The transformed template of SAM source text."""
    # The translator asks boto for a region's partition; nothing is called.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    template = yaml_parse(source)
    place_code(template)
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), plugins=[])
    return translator.translate(sam_template=template, parameter_values=parameter_values(template["Parameters"]))


def main():
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "template.yaml"
    json.dump(transform(source.read_text()), sys.stdout, indent=2, default=str)
    print()


if __name__ == "__main__":
    main()
