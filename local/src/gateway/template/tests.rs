//! Reading a template: routes, authorizer, origins, tables.

use serde_json::json;

use super::*;

const TEMPLATE: &str = "
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, AllowedValues: [dev, prod], Default: dev}
  Origins: {Type: CommaDelimitedList}
  Empty: {Type: String, Default: ''}
Globals:
  Function:
    Timeout: 10
    Environment:
      Variables: {STAGE: !Ref Stage, TABLE_FLOWS: !Ref FlowsTable, KEY: !GetAtt Key.Arn, UNSET: !Ref Empty}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Slotline
        Authorizers:
          Slotline:
            FunctionArn: !GetAtt AuthorizerFunction.Arn
            AuthorizerPayloadFormatVersion: 2.0
            EnableSimpleResponses: true
            Identity: {Headers: [Authorization], ReauthorizeEvery: 60}
      CorsConfiguration: {AllowOrigins: !Ref Origins, AllowMethods: [GET, POST], MaxAge: 600}
  AuthorizerFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: authorizer}
  EventsFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: events
      Timeout: 29
      Policies: [!If [IsProd, {Statement: [!Sub 'x${AWS::Region}']}, !Ref AWS::NoValue]]
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/events/{id}'}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /open, Auth: {Authorizer: NONE}}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
        Sweep: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute)}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}
  FlowsTable:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
";

fn read(text: &str) -> Result<Template, String> {
    Template::read(
        text,
        &Parameters::from([("Origins".to_owned(), "https://a.example, https://b.example".to_owned())]),
    )
}

#[test]
fn routes_carry_the_authorizer_that_deploys() {
    let template = read(TEMPLATE).unwrap();
    let events = template.function("events").unwrap();
    let routes: Vec<_> =
        events.routes.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.authorizer.as_deref())).collect();
    let own = Some("Slotline");
    assert_eq!(routes, [("GET", "/events/{id}", own), ("ANY", "/open", None), ("ANY", "$default", own)]);
    assert_eq!(
        (events.timeout, &events.schedules[..]),
        (Duration::from_secs(29), &["rate(1 minute)".to_owned()][..])
    );
    assert_eq!(template.function("authorizer").unwrap().timeout, Duration::from_secs(10));
    let authorizer = AuthorizerSpec {
        handler: "authorizer".to_owned(),
        identity: vec!["Authorization".to_owned()],
        cached_for: Duration::from_secs(60),
    };
    assert_eq!(template.authorizers["Slotline"], authorizer);
}

#[test]
fn origins_come_from_the_parameters_and_the_stage_is_local() {
    let template = read(TEMPLATE).unwrap();
    let cors = template.cors.unwrap();
    assert_eq!(cors.allow_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(
        (cors.allow_methods, cors.max_age.as_deref()),
        (vec!["GET".to_owned(), "POST".to_owned()], Some("600"))
    );
    let variables = [("STAGE", "local"), ("TABLE_FLOWS", "flows"), ("UNSET", "")];
    assert_eq!(template.variables, variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
    assert_eq!(template.tables[0].definition["TableName"], json!("flows"));
}

#[test]
fn what_the_gateway_cannot_do_is_refused_and_not_passed_over() {
    for (from, to, complaint) in [
        ("EnableSimpleResponses: true", "EnableSimpleResponses: false", "simple responses"),
        ("Headers: [Authorization],", "Headers: [Authorization], Context: [routeKey],", "Identity.Context"),
        ("DefaultAuthorizer: Slotline", "DefaultAuthorizer: Another", "no authorizer Another"),
        ("AllowOrigins: !Ref Origins", "AllowOrigins: !Ref Unknown", "AllowOrigins"),
        ("Handler: events", "Handler: !GetAtt X.Y", "EventsFunction"),
    ] {
        let error = read(&TEMPLATE.replace(from, to)).unwrap_err();
        assert!(error.contains(complaint), "{error}");
    }
}
