//! The rescue queue (SQS): sealed tokens that DynamoDB would not take, until the keeper writes them.

use std::sync::{Arc, OnceLock};

use aws_sdk_sqs::Client;
use jiff::SignedDuration;

use crate::{
    aws::Aws,
    error::{Error, Result},
};

/// The queue; the client is made at first need.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    aws: Aws,
    url: Option<String>,
    client: OnceLock<Client>,
}

impl Queue {
    /// Calls nothing yet. `url` is the queue's address at SQS.
    pub fn new(aws: Aws, url: Option<String>) -> Self {
        Self(Arc::new(Inner { aws, url, client: OnceLock::new() }))
    }

    /// Puts a message (`SendMessage`). The queue may deliver it more than once.
    pub async fn send(&self, body: String) -> Result<()> {
        let Some(url) = &self.0.url else { return Err(Error::internal("RESCUE_QUEUE_URL is not set")) };
        let client = self.0.client.get_or_init(|| self.0.aws.sqs());
        let sent = client.send_message().queue_url(url).message_body(body).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unavailable { system: "sqs", retry_after: SignedDuration::from_secs(1) }),
        }
    }
}
