"""House rules of what goes out step by step: a new version for every change, and alarms that are in time to take it back."""

import json
import re

# Functions that a new version reaches step by step: where a bad one is heard at once.
CANARY = {"VapiWebhookFunction"}
# Measurements arrive that much after what they measure.
LATE_SECONDS = 60


def releases(template):
    """Every broken rule, as sentences."""
    resources = template["Resources"]
    of_type = lambda kind: {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}
    aliases = of_type("AWS::Lambda::Alias").values()
    functions = {alias["FunctionName"]["Ref"] for alias in aliases}
    if functions != CANARY:
        yield f"{sorted(functions)} have an alias, {sorted(CANARY)} should"
    for alias in aliases:
        version = resources[alias["FunctionVersion"]["Fn::GetAtt"][0]]["Properties"]
        yield from published(template, alias["FunctionName"]["Ref"], version)
    for name, group in of_type("AWS::CodeDeploy::DeploymentGroup").items():
        alarms = [alarm["Name"]["Ref"] for alarm in group.get("AlarmConfiguration", {}).get("Alarms", [])]
        if not alarms:
            yield f"{name} has no alarm that takes a version back"
        for alarm in alarms:
            yield from in_time(template, alarm, resources[alarm]["Properties"])


def references(value):
    """Everything that a value names by Ref, Fn::GetAtt or Fn::Sub."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    named = {value["Ref"]} if "Ref" in value else set()
    if isinstance(text := value.get("Fn::Sub"), str):
        named |= set(re.findall(r"\$\{([\w:]+)", text))
    if "Fn::GetAtt" in value:
        named.add(value["Fn::GetAtt"][0])
    return named | set().union(*map(references, value.values()))


def published(template, name, version):
    """Another value of a parameter is another version.

    SAM names a version by its function's properties before parameters have values (aws/serverless-application-model,
    issue 3820). So the description, a change of which replaces a version, holds the number of a configuration that has
    every value; and the function's has it, too, because Lambda makes no version of what did not change.
    """
    resources, function = template["Resources"], template["Resources"][name]["Properties"]
    numbers = {
        other
        for other in references(version.get("Description")) & references(function.get("Description"))
        if resources.get(other, {}).get("Type") == "AWS::AppConfig::HostedConfigurationVersion"
        and f"${{{other}.VersionNumber}}" in json.dumps(version["Description"])
        and f"${{{other}.VersionNumber}}" in json.dumps(function["Description"])
    }
    held = set().union(*(references(resources[other]["Properties"]["Content"]) for other in numbers))
    for parameter in sorted((references(function) & set(template["Parameters"])) - held):
        yield f"{name}: another {parameter} alone publishes no version; put it into Settings, whose number is in VersionDescription"


def lengths(template):
    """How many seconds each kind of deployment takes that goes step by step."""
    for parameter in template["Parameters"].values():
        for kind in map(str, parameter.get("AllowedValues", [])):
            if canary := re.fullmatch(r"Canary\d+Percent(\d+)Minutes?", kind):
                yield kind, int(canary[1]) * 60
            if linear := re.fullmatch(r"Linear(\d+)PercentEvery(\d+)Minutes?", kind):
                yield kind, (-(-100 // int(linear[1])) - 1) * int(linear[2]) * 60


def in_time(template, name, alarm):
    """The alarm can ring before the deployment is over."""
    needs = alarm["Period"] * alarm["EvaluationPeriods"] + LATE_SECONDS
    found = dict(lengths(template))
    if not found:
        yield f"{name}: nothing says how long a deployment takes"
    for kind, seconds in found.items():
        if needs > seconds:
            yield f"{name} rings after {needs} s, {kind} is over after {seconds} s"
