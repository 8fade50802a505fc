//! The embedded DynamoDB as the SDK meets it: counted, spoiled on demand, honest about TTL.

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    types::{AttributeValue, Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    aws::test_clients,
    gateway::{Parameters, Template},
    world::faults::Kind,
};

const TABLES: &str = "
Resources:
  FlowsTable:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: !If [IsProd, true, false]
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Directory:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub 'slotline-${Stage}-directory'
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: by, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: by-owner
          KeySchema: [{AttributeName: by, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
";

struct Stack {
    dynamo: Dynamo,
    client: Client,
    counters: Counters,
    faults: Faults,
    clock: Clock,
}

async fn started(data: Option<&Path>) -> Stack {
    let (counters, faults) = (Counters::default(), Faults::default());
    let clock = Clock::fixed("2030-01-01T00:00:00Z".parse().unwrap());
    let dynamo = Dynamo::start(data, counters.clone(), faults.clone(), clock.clone()).await.unwrap();
    dynamo.create_tables(&template()).unwrap();
    let client = test_clients::dynamodb(dynamo.url());
    Stack { dynamo, client, counters, faults, clock }
}

fn template() -> Template {
    Template::read(TABLES, &Parameters::new()).unwrap()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

impl Stack {
    async fn put(&self, sk: &str, expires_at: Timestamp) -> Result<(), String> {
        let put = self.client.put_item().table_name("flows").item("pk", text("P")).item("sk", text(sk));
        let put = put.item("ttl", AttributeValue::N(expires_at.as_second().to_string()));
        put.send().await.map(drop).map_err(named)
    }

    async fn sort_keys(&self) -> Vec<String> {
        let query = self.client.query().table_name("flows").key_condition_expression("pk = :pk");
        let found = query.expression_attribute_values(":pk", text("P")).send().await.unwrap();
        found.items().iter().map(|item| item["sk"].as_s().unwrap().clone()).collect()
    }
}

fn named<E: aws_sdk_dynamodb::error::ProvideErrorMetadata, R>(error: SdkError<E, R>) -> String {
    match error {
        SdkError::DispatchFailure(_) => "lost".to_owned(),
        error => error.code().unwrap_or_default().to_owned(),
    }
}

#[tokio::test]
async fn every_operation_is_counted_under_its_own_name() {
    let stack = started(None).await;
    let now = stack.clock.now();
    stack.put("one", now).await.unwrap();
    stack.put("two", now).await.unwrap();
    assert_eq!(stack.sort_keys().await, ["one", "two"]);
    let counts = stack.counters.snapshot();
    assert_eq!(serde_json::to_value(counts).unwrap(), json!({ "dynamodb": { "PutItem": 2, "Query": 1 } }));
}

#[tokio::test]
async fn tables_come_with_their_keys_indexes_streams_and_expiry() {
    let stack = started(None).await;
    let flows = stack.client.describe_table().table_name("flows").send().await.unwrap().table.unwrap();
    let keys: Vec<_> = flows.key_schema().iter().map(|key| key.attribute_name()).collect();
    assert_eq!(keys, ["pk", "sk"]);
    assert!(flows.stream_specification.unwrap().stream_enabled);
    let name = "slotline-local-directory";
    let directory = stack.client.describe_table().table_name(name).send().await.unwrap().table.unwrap();
    assert_eq!(directory.global_secondary_indexes()[0].index_name(), Some("by-owner"));
    let expiry = stack.client.describe_time_to_live().table_name("flows").send().await.unwrap();
    assert_eq!(expiry.time_to_live_description.unwrap().attribute_name(), Some("ttl"));
}

#[tokio::test]
async fn expired_items_stay_until_a_sweep_and_then_only_they_go() {
    let stack = started(None).await;
    let now = stack.clock.now();
    let seconds = SignedDuration::from_secs;
    for item in 0..40 {
        stack.put(&format!("expired {item}"), now - seconds(1)).await.unwrap();
    }
    stack.put("due this second", now).await.unwrap();
    stack.put("six years ago", now - SignedDuration::from_hours(6 * 365 * 24)).await.unwrap();
    assert_eq!(stack.sort_keys().await.len(), 42);
    assert_eq!(stack.dynamo.sweep_expired(now).unwrap(), 40);
    assert_eq!(stack.sort_keys().await, ["due this second", "six years ago"]);
    assert_eq!(stack.dynamo.sweep_expired(now + seconds(1)).unwrap(), 1);
}

#[tokio::test]
async fn faults_speak_as_dynamodb_does_and_change_nothing() {
    let stack = started(None).await;
    for (value, name) in [
        (json!(400), "ProvisionedThroughputExceededException"),
        (json!(500), "InternalServerError"),
        (json!(503), "ServiceUnavailable"),
        (json!("TransactionConflict"), "TransactionConflictException"),
        (json!({ "error": "ThrottlingException" }), "ThrottlingException"),
    ] {
        stack.faults.arm(Fault::new("dynamodb", "PutItem", Kind::Status).with(value));
        assert_eq!(stack.put("never", stack.clock.now()).await, Err(name.to_owned()));
    }
    assert!(stack.sort_keys().await.is_empty());
}

#[tokio::test]
async fn a_conflicting_transaction_is_cancelled_with_a_reason_for_each_action() {
    let stack = started(None).await;
    stack.faults.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with("TransactionConflict"));
    let put = |sk: &str| {
        let put = Put::builder().table_name("flows").item("pk", text("P")).item("sk", text(sk)).build();
        TransactWriteItem::builder().put(put.unwrap()).build()
    };
    let write = stack.client.transact_write_items().transact_items(put("one")).transact_items(put("two"));
    let error = write.send().await.unwrap_err().into_service_error();
    let reasons = match error {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            cancelled,
        ) => cancelled.cancellation_reasons.unwrap(),
        other => panic!("{other:?}"),
    };
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
}

#[tokio::test]
async fn an_answer_lost_after_the_write_leaves_the_item_behind() {
    let stack = started(None).await;
    stack.faults.arm(Fault::new("dynamodb", "PutItem", Kind::DropAfterCommit));
    assert_eq!(stack.put("kept", stack.clock.now()).await, Err("lost".to_owned()));
    assert_eq!(stack.sort_keys().await, ["kept"]);
}

#[tokio::test]
async fn a_file_keeps_items_over_a_restart_and_a_reset_empties_it() {
    let folder = std::env::temp_dir().join(format!("slotline-{}", shared::random::id()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("dynamodb.sqlite");
    let first = started(Some(&file)).await;
    first.put("kept", first.clock.now()).await.unwrap();
    drop(first);
    let second = started(Some(&file)).await;
    assert_eq!(second.sort_keys().await, ["kept"]);
    second.dynamo.reset(&template()).unwrap();
    assert!(second.sort_keys().await.is_empty());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_index_of_what_is_due_holds_what_the_template_says_and_only_rows_that_are_due() {
    let stack = started(None).await;
    stack.dynamo.reset(&crate::stack::template().unwrap()).unwrap();
    for (sk, due_at) in [("CONNECTION#b", Some("20")), ("CONNECTION#a", Some("10")), ("SETTINGS", None)] {
        let put = stack.client.put_item().table_name("connections").item("pk", text("OWNER#user:user_2A"));
        let put = put.item("sk", text(sk)).item("id", text(sk)).item("owner", text("user:user_2A"));
        let mut put = put.item("access", text("EXAMPLE"));
        if let Some(due_at) = due_at {
            put = put.item("due_shard", text("0")).item("due_at", AttributeValue::N(due_at.to_owned()));
        }
        put.send().await.unwrap();
    }
    let due = |until: &str| {
        let query = stack.client.query().table_name("connections").index_name("due");
        let query = query.key_condition_expression("due_shard = :shard AND due_at <= :now");
        let until = AttributeValue::N(until.to_owned());
        query
            .expression_attribute_values(":shard", text("0"))
            .expression_attribute_values(":now", until)
            .send()
    };
    let items = due("20").await.unwrap().items.unwrap();
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_s().unwrap().as_str()).collect();
    assert_eq!(ids, ["CONNECTION#a", "CONNECTION#b"]);
    let mut names: Vec<_> = items[0].keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["due_at", "due_shard", "id", "owner", "pk", "sk"]);
    assert_eq!(due("10").await.unwrap().count, 1);
}
