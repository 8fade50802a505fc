//! DynamoDB, KMS and SQS on loopback: the SDK clients of the software talk to them as they talk to AWS.
//!
//! Every call is counted, and an armed fault may have it. A function's call that its role does not allow is refused
//! before it leaves; nothing here checks signatures.

mod context;
mod dynamo;
pub(crate) mod kms;
pub mod permissions;
mod rows;
mod sqs;
mod sweep;
pub(crate) mod tables;
#[cfg(test)]
mod test_clients;
mod wire;

pub use dynamo::Dynamo;
pub use kms::Kms;
pub use sqs::Sqs;

/// The account that everything local belongs to.
pub const ACCOUNT: &str = "123456789012";

/// The region that everything local is in.
pub const REGION: &str = "us-east-1";
