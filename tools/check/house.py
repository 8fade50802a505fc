"""House rules of the transformed template that no linter knows. Each function yields one sentence a violation."""

import json
import re

from .grants import grants
from .releases import releases
from .report import ROOT

# docs/SECURITY.md S4: these functions have no permission on KMS at all.
WITHOUT_KMS = ["authorizer", "auth-start", "auth-status", "users", "clerk-webhook"]
# What a function that opens tokens logs as `metric`; each becomes a metric by a filter on the function's log group.
SIGNALS = {"ConfigurationFault", "ReauthRequired", "RotationLost", "TokenRescued"}
# Statements whose resource AWS takes as a wildcard alone.
FORCED = {"VapiWebhookDeployRole/LookAtAlarms"}
# What must outlive a stack.
KEPT = ["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::SecretsManager::Secret"]
# Routes that ask for no Authorization header: people's browsers, signed webhooks, documentation.
PUBLIC = {
    "GET /",
    "GET /health",
    "GET /ready",
    "GET /docs",
    "GET /openapi.json",
    "GET /calendar/auth/start",
    "GET /calendar/auth/callback",
    "GET /calendar/auth/callback/{provider}",
    "POST /webhooks/clerk",
    "POST /vapi/webhook",
    "POST /vapi/webhook/{credential}",
}
# Lambda refuses a function whose environment, names and values together, is larger.
ENVIRONMENT_LIMIT = 4096
# What a reference becomes at most: a secret's ARN; a PEM key is the longest parameter.
REFERENCE_LENGTH = 110
PEM_LENGTH = 460


def of_type(template, kind):
    """Resources of one type, by logical id."""
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def violations(template):
    """Every broken rule, as sentences."""
    rules = [
        permissions,
        public_routes,
        throttles,
        own_parts,
        secrets,
        schedules,
        releases,
        queues,
        kept,
        signals,
        alarms,
        dashboards,
        environments,
        settings,
        events,
    ]
    broken = list(grants(template, WITHOUT_KMS))
    # What no rule below could read is told alone.
    return broken or [sentence for rule in rules for sentence in rule(template)]


def statements(role):
    """Statements of a role's inline policies."""
    for policy in role.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def as_list(value):
    """One or many, as many."""
    return value if isinstance(value, list) else [value]


def permissions(template):
    """No wildcard, no Scan, a Sid each; whom and on what condition is for grants.py."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: managed policies grant wildcards; name the actions instead"
        for statement in statements(role):
            where = f"{name}/{statement.get('Sid', 'without Sid')}"
            actions = as_list(statement["Action"])
            if "Sid" not in statement:
                yield f"{where}: name the statement"
            if any("*" in action or action.endswith(":Scan") for action in actions):
                yield f"{where}: {actions} is more than this project grants"
            if "*" in json.dumps(statement["Resource"]) and where not in FORCED:
                yield f"{where}: the resource is a wildcard"


def public_routes(template):
    """A route is open only when it is listed here."""
    for api in of_type(template, "AWS::ApiGatewayV2::Api").values():
        opened = {
            f"{method.upper()} {path}"
            for path, methods in api["Body"]["paths"].items()
            for method, operation in methods.items()
            if operation.get("security") != [{"Slotline": []}]
        }
        for route in sorted(opened ^ PUBLIC):
            yield f"{route} is {'open but not listed' if route in opened else 'listed but not open'} in tools/check/house.py"


def throttles(template):
    """Every public route has a throttle of its own."""
    for name, stage in of_type(template, "AWS::ApiGatewayV2::Stage").items():
        throttled = set(stage.get("RouteSettings", {}))
        for route in sorted(PUBLIC ^ throttled):
            yield f"{name}: {route} is {'throttled but not' if route in throttled else 'not throttled but'} public"
        for route, limits in stage.get("RouteSettings", {}).items():
            if set(limits) != {"ThrottlingRateLimit", "ThrottlingBurstLimit"}:
                yield f"{name}: {route} has {sorted(limits)} in place of a rate and a burst"


def own_parts(template):
    """Every function has a role, a log group and an alarm of its own, and all share one build."""
    functions = of_type(template, "AWS::Lambda::Function")
    for part in ["Role", "LoggingConfig"]:
        seen = {}
        for name, function in functions.items():
            other = seen.setdefault(json.dumps(function[part], sort_keys=True), name)
            if other != name:
                yield f"{name} shares its {part} with {other}"
    found = of_type(template, "AWS::CloudWatch::Alarm").values()
    watched = json.dumps([a for a in found if (a.get("MetricName"), a.get("Threshold")) == ("Errors", 1)])
    routed = json.dumps(of_type(template, "AWS::ApiGatewayV2::Api"))
    for name, function in functions.items():
        if f'"Value": {{"Ref": "{name}"}}' not in watched:
            yield f"{name} has no alarm at its first error"
        if function["Timeout"] > 29 and (f"${{{name}.Arn}}" in routed or f"${{{name}Alias" in routed):
            yield f"{name} outlives the gateway's 30 seconds"
    builds = {json.dumps(template["Resources"][name].get("Metadata"), sort_keys=True) for name in functions}
    if len(builds) != 1:
        yield "functions differ in Metadata, so sam build compiles more than once"


def secrets(template):
    """A function is told of exactly the secrets that its role may read."""
    roles = of_type(template, "AWS::IAM::Role")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        told = {value["Ref"] for variable, value in variables.items() if variable.startswith("SECRET_") and value}
        reads = {
            resource["Ref"]
            for statement in statements(roles[function["Role"]["Fn::GetAtt"][0]])
            if "secretsmanager:GetSecretValue" in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        }
        if told != reads:
            yield f"{name} is told of {sorted(told)} and may read {sorted(reads)}"


def schedules(template):
    """A run that failed is repeated by the next minute and by nothing else, and a missing run is heard of."""
    configured = {i["FunctionName"]["Ref"]: i for i in of_type(template, "AWS::Lambda::EventInvokeConfig").values()}
    alarms_ = of_type(template, "AWS::CloudWatch::Alarm").values()
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        function = schedule["Target"]["Arn"]["Fn::GetAtt"][0]
        if configured.get(function, {}).get("MaximumRetryAttempts") != 0:
            yield f"{function}: Lambda repeats what {name} starts"
        missed = [a for a in alarms_ if a.get("MetricName") == "Invocations" and a["TreatMissingData"] == "breaching"]
        if not any(a["Dimensions"][0]["Value"] == {"Ref": function} for a in missed):
            yield f"{function}: nobody hears when {name} stops"


def queues(template):
    """Every queue is encrypted and ends in dead letters that somebody hears of, and waits for its function to end."""
    found = of_type(template, "AWS::SQS::Queue")
    dead = {q["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for q in found.values() if "RedrivePolicy" in q}
    watched = json.dumps(of_type(template, "AWS::CloudWatch::Alarm"))
    for name, queue in found.items():
        if not queue.get("SqsManagedSseEnabled"):
            yield f"{name} is not encrypted"
        if name not in dead and "RedrivePolicy" not in queue:
            yield f"{name} has no queue for dead letters"
        if name in dead and f'"Fn::GetAtt": ["{name}", "QueueName"]' not in watched:
            yield f"{name} has no alarm"
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    if "ApproximateAgeOfOldestMessage" in watched:
        yield "SQS leaves a message that was received three times out of ApproximateAgeOfOldestMessage: the alarm stays silent"
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        queue, function = mapping["EventSourceArn"]["Fn::GetAtt"][0], mapping["FunctionName"]["Ref"]
        timeout = template["Resources"][function]["Properties"]["Timeout"]
        if found[queue].get("VisibilityTimeout", 30) <= timeout:
            yield f"{queue} delivers again before {function} can have ended: give it more than {timeout} s"


def kept(template):
    """State outlives its stack; prod's tables cannot be deleted; nothing but tokens needs a key of ours."""
    for name, resource in template["Resources"].items():
        if resource["Type"] in KEPT and {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} != {"Retain"}:
            yield f"{name} goes with its stack"
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        if table.get("DeletionProtectionEnabled") != {"Fn::If": ["IsProd", True, False]}:
            yield f"{name} is not protected in prod alone"
        if "SSESpecification" in table:
            yield f"{name} has a key that its readers would need, too"
    for name, group in of_type(template, "AWS::Logs::LogGroup").items():
        if "KmsKeyId" in group or "RetentionInDays" not in group:
            yield f"{name} is kept for ever, or under a key of ours"


def signals(template):
    """Every function that opens tokens has a filter for each metric that its log lines carry."""
    roles = of_type(template, "AWS::IAM::Role")
    filters = of_type(template, "AWS::Logs::MetricFilter").values()
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        role = roles[function["Role"]["Fn::GetAtt"][0]]
        if not any("kms:Decrypt" in as_list(statement["Action"]) for statement in statements(role)):
            continue
        own = [f for f in filters if f["LogGroupName"] == function["LoggingConfig"]["LogGroup"]]
        for metric in sorted(SIGNALS):
            named = [f for f in own if f["FilterPattern"] == f'{{ $.metric = "{metric}" }}']
            if [f["MetricTransformations"][0]["MetricName"] for f in named] != [metric]:
                yield f"{name} has not one filter that makes {metric} a metric"


def alarms(template):
    """Every alarm reaches the topic and has its runbook in docs/OPERATIONS.md, and no runbook is of another."""
    handlers = {name.removesuffix("Function") for name in of_type(template, "AWS::Lambda::Function")}
    found = of_type(template, "AWS::CloudWatch::Alarm")
    measured = "".join(source.read_text() for source in sorted((ROOT / "functions" / "src").glob("*.rs")))
    filters = of_type(template, "AWS::Logs::MetricFilter").values()
    filtered = {metric["MetricName"] for f in filters for metric in f["MetricTransformations"]}
    for name, alarm in found.items():
        if alarm.get("AlarmActions") != {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}:
            yield f"{name} tells nobody"
        if alarm.get("Namespace") == "Slotline" and f'"{alarm["MetricName"]}"' not in measured:
            yield f"{name} waits for {alarm['MetricName']}, which no function measures"
        if "Slotline/" in json.dumps(alarm.get("Namespace")) and alarm["MetricName"] not in filtered:
            yield f"{name} waits for {alarm['MetricName']}, which no filter makes"
        if "AlarmDescription" not in alarm or "TreatMissingData" not in alarm:
            yield f"{name}: say what it means, and what it means when nothing is measured"
    # One runbook serves the alarm that every function has.
    names = {"<Function>Errors" if name.removesuffix("Errors") in handlers else name for name in found}
    runbooks = set(re.findall(r"^### `([^`]+)`", (ROOT / "docs" / "OPERATIONS.md").read_text(), re.MULTILINE))
    for name in sorted(names ^ runbooks):
        yield f"{name} has {'a runbook but no alarm' if name in runbooks else 'no runbook in docs/OPERATIONS.md'}"


def dashboards(template):
    """There is one dashboard, its body is JSON, and it shows every function."""
    found = of_type(template, "AWS::CloudWatch::Dashboard")
    if len(found) != 1:
        yield f"{len(found)} dashboards; one shows everything"
    for name, dashboard in found.items():
        text = dashboard["DashboardBody"]["Fn::Sub"]
        try:
            json.loads(text)
        except ValueError as error:
            yield f"{name}: {error}"
        for function in of_type(template, "AWS::Lambda::Function"):
            if f"${{{function}}}" not in text:
                yield f"{name} does not show {function}"


def environments(template):
    """No environment can outgrow Lambda's limit."""
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        size = 0
        for variable, value in function["Environment"]["Variables"].items():
            length = len(value) if isinstance(value, str) else PEM_LENGTH if variable == "CLERK_JWT_KEY" else REFERENCE_LENGTH
            size += len(variable) + length
        if size > ENVIRONMENT_LIMIT:
            yield f"{name}: environment of up to {size} bytes, Lambda takes {ENVIRONMENT_LIMIT}"


def settings(template):
    """.env.example, events/env.json and the functions name the same settings."""
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    recorded = set(json.loads((ROOT / "events" / "env.json").read_text())["Parameters"])
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        declared = set(function["Environment"]["Variables"])
        for place, names in {".env.example": example, "events/env.json": recorded}.items():
            if names != declared:
                yield f"{name} and {place} differ in {sorted(names ^ declared)}"


def events(template):
    """Every function has its recorded event."""
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if not (ROOT / "events" / f"{function['Handler']}.json").exists():
            yield f"{name}: events/{function['Handler']}.json is missing"
