"""House rules of who may do what: each yields one sentence a violation, beside those of house.py."""

import json

# The one condition that opens tokens; another operator, or another value, opens more.
PURPOSE = {"StringEquals": {"kms:EncryptionContext:purpose": "token"}}
OPENS = {"kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
# Whom roles trust.
TRUSTED = {"lambda.amazonaws.com", "scheduler.amazonaws.com", "codedeploy.amazonaws.com"}
# Who else may invoke a function by its own policy.
INVOKERS = {"apigateway.amazonaws.com"}
# Other places where a policy could be written, which no rule reads.
ELSEWHERE = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::SQS::QueuePolicy", "AWS::SecretsManager::ResourcePolicy", "AWS::IAM::User"}
ROOT_OF_ACCOUNT = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}


def many(value):
    """One or many, as many."""
    return value if isinstance(value, list) else [value]


def grants(template, without_kms):
    """Roles trust services alone, allow by `Action` in one inline policy, and open tokens under one condition."""
    resources = template["Resources"]
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ELSEWHERE:
            yield f"{name}: write what it allows into a role of template.yaml"
        if resource["Type"] == "AWS::Lambda::Permission":
            if properties["Principal"] not in INVOKERS or "SourceArn" not in properties:
                yield f"{name}: lets {properties['Principal']} invoke a function"
        if resource["Type"] == "AWS::KMS::Key":
            if [s["Principal"] for s in properties["KeyPolicy"]["Statement"]] != [{"AWS": ROOT_OF_ACCOUNT}]:
                yield f"{name}: somebody beside the account decides who uses the key"
        if resource["Type"] == "AWS::IAM::Role":
            yield from role(name, properties)
        if resource["Type"] == "AWS::Lambda::Function" and properties["Handler"] in without_kms:
            if '"kms:' in json.dumps(resources[properties["Role"]["Fn::GetAtt"][0]]):
                yield f"{name}: {properties['Handler']} must not reach KMS"


def role(name, properties):
    """What one role trusts and allows."""
    for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
        if statement["Principal"].get("Service") not in TRUSTED or len(statement["Principal"]) != 1:
            yield f"{name} trusts {statement['Principal']}"
    for policy in properties.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            where = f"{name}/{statement.get('Sid')}"
            if set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"} or statement["Effect"] != "Allow":
                yield f"{where}: allow actions on resources, and nothing by exception"
            elif OPENS & set(many(statement["Action"])) and statement.get("Condition") != PURPOSE:
                yield f"{where}: tokens are opened under {PURPOSE} alone"
