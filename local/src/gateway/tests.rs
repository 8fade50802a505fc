//! The gateway over real HTTP.

use std::sync::Mutex;

use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use shared::http::{Answer, Call, Http};

use super::*;

mod answers;
mod authorizing;
mod events;

const TEMPLATE: &str = "
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Own
        Authorizers:
          Own:
            FunctionArn: !GetAtt Door.Arn
            AuthorizerPayloadFormatVersion: '2.0'
            EnableSimpleResponses: true
            Identity: {Headers: [Authorization], ReauthorizeEvery: 60}
      CorsConfiguration:
        AllowOrigins: [https://front.example]
        AllowMethods: [GET, POST]
        AllowHeaders: [authorization]
        ExposeHeaders: [etag]
        MaxAge: 600
  Door: {Type: AWS::Serverless::Function, Properties: {Handler: door}}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Handler: echo
      Timeout: 29
      Events:
        Open: {Type: HttpApi, Properties: {Method: ANY, Path: '/open/{id}', Auth: {Authorizer: NONE}}}
        Rest: {Type: HttpApi, Properties: {Method: GET, Path: '/files/{proxy+}', Auth: {Authorizer: NONE}}}
        Shut: {Type: HttpApi, Properties: {Method: GET, Path: /shut}}
        Other: {Type: HttpApi, Properties: {Method: GET, Path: /other}}
  Given:
    Type: AWS::Serverless::Function
    Properties:
      Handler: given
      Events: {Any: {Type: HttpApi, Properties: {Method: POST, Path: /given, Auth: {Authorizer: NONE}}}}
  Fails:
    Type: AWS::Serverless::Function
    Properties:
      Handler: fails
      Events: {Any: {Type: HttpApi, Properties: {Method: GET, Path: /fails, Auth: {Authorizer: NONE}}}}
  Hangs:
    Type: AWS::Serverless::Function
    Properties:
      Handler: hangs
      Events: {Any: {Type: HttpApi, Properties: {Method: GET, Path: /hangs, Auth: {Authorizer: NONE}}}}
";

/// A gateway in front of made-up functions, which remembers what they were called with.
struct Stage {
    gateway: Gateway,
    http: Http,
    clock: Clock,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

/// The made-up functions.
async fn function(handler: String, event: Value) -> Result<Value, String> {
    match handler.as_str() {
        "echo" => Ok(json!({ "statusCode": 200, "body": event.to_string() })),
        // Returns the value that was sent to it.
        "given" => serde_json::from_str(event["body"].as_str().unwrap()).map_err(|error| error.to_string()),
        "door" => match event["identitySource"][0].as_str().unwrap() {
            "good" => Ok(json!({ "isAuthorized": true, "context": { "owner": "one" } })),
            "bad" => Ok(json!({ "isAuthorized": false })),
            "odd" => Ok(json!({ "principalId": "one" })),
            _ => Err("no such person".to_owned()),
        },
        "hangs" => std::future::pending().await,
        _ => Err("it broke: secret".to_owned()),
    }
}

impl Stage {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let clock = Clock::fixed("2030-01-02T03:04:05.678Z".parse().unwrap());
        let template = Template::read(TEMPLATE, &Parameters::new()).unwrap();
        let seen = Arc::clone(&calls);
        let invoke: Invoke = Arc::new(move |handler: String, event: Value| -> Invoked {
            seen.lock().unwrap().push((handler.clone(), event.clone()));
            Box::pin(function(handler, event))
        });
        let gateway = Gateway::start(template, invoke, clock.clone(), options).await.unwrap();
        Self { gateway, http: Http::new(None).unwrap(), clock, calls }
    }

    fn call(&self, method: Method, path: &str) -> Call {
        self.http.call(method, &format!("{}{path}", self.gateway.base_url()))
    }

    fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// The event that a call reached `echo` with.
    async fn echoed(&self, call: Call) -> Value {
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status, 200);
        answer.json().unwrap()
    }

    /// What `given` makes of a value that it returns.
    async fn given(&self, value: &Value) -> Answer {
        let call = self.call(Method::POST, "/given").header("content-type", "application/json");
        call.body(value.to_string().into_bytes()).send().await.unwrap()
    }

    /// How often a function was called.
    fn times(&self, handler: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(name, _)| name == handler).count()
    }
}

/// Checks an answer of the gateway's own.
#[track_caller]
fn own(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, answer.json::<Value>().unwrap()), (status, json!({ "message": message })));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}
