//! The loopback KMS as the SDK meets it: bound to its context.

use std::os::unix::fs::PermissionsExt as _;

use aws_sdk_kms::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::generate_data_key::GenerateDataKeyOutput,
    primitives::Blob,
    types::DataKeySpec,
};

use super::*;
use crate::{aws::test_clients, world::faults::Kind};

async fn started() -> (Kms, Client, Counters, Faults) {
    let (counters, faults) = (Counters::default(), Faults::default());
    let kms = Kms::start(None, counters.clone(), faults.clone()).await.unwrap();
    let client = test_clients::kms(kms.url());
    (kms, client, counters, faults)
}

async fn data_key(client: &Client, key: &str, owner: &str) -> GenerateDataKeyOutput {
    let call = client.generate_data_key().key_id(key).key_spec(DataKeySpec::Aes256);
    call.encryption_context("owner", owner).encryption_context("purpose", "token").send().await.unwrap()
}

/// Decrypts under a context; the error's name if refused.
async fn decrypted(client: &Client, blob: &Blob, context: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let mut call = client.decrypt().ciphertext_blob(blob.clone());
    for (name, value) in context {
        call = call.encryption_context(*name, *value);
    }
    match call.send().await {
        Ok(output) => Ok(output.plaintext.unwrap().into_inner()),
        Err(error) => Err(error.into_service_error().code().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn a_data_key_opens_under_its_own_context_alone() {
    let (kms, client, counters, _) = started().await;
    let key = data_key(&client, kms.key_arn(), "one").await;
    let (plaintext, blob) = (key.plaintext.unwrap().into_inner(), key.ciphertext_blob.unwrap());
    assert_eq!((plaintext.len(), key.key_id.as_deref()), (32, Some(kms.key_arn())));
    assert!(!blob.as_ref().windows(32).any(|window| window == plaintext));

    let own = [("purpose", "token"), ("owner", "one")];
    assert_eq!(decrypted(&client, &blob, &own).await.as_ref(), Ok(&plaintext));
    let refused = Err("InvalidCiphertextException".to_owned());
    for other in [&[][..], &[("owner", "one")], &[("owner", "two"), ("purpose", "token")]] {
        assert_eq!(decrypted(&client, &blob, other).await, refused, "{other:?}");
    }
    let mut bent = blob.into_inner();
    *bent.last_mut().unwrap() ^= 1;
    assert_eq!(decrypted(&client, &Blob::new(bent), &own).await, refused);
    assert_eq!(counters.of("kms", "GenerateDataKey"), 1);
    assert_eq!(counters.of("kms", "Decrypt"), 5);
}

#[tokio::test]
async fn two_data_keys_differ_and_take_the_length_that_was_asked() {
    let (kms, client, ..) = started().await;
    let call = || client.generate_data_key().key_id(KEY_ID).number_of_bytes(48).send();
    let (one, two) = (call().await.unwrap(), call().await.unwrap());
    assert_eq!(one.plaintext.as_ref().unwrap().as_ref().len(), 48);
    assert_ne!(one.plaintext, two.plaintext);
    let neither = client.generate_data_key().key_id(kms.key_arn()).send().await.unwrap_err();
    assert_eq!(neither.into_service_error().code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_disabled_key_gives_and_opens_nothing_until_it_is_enabled() {
    let (kms, client, ..) = started().await;
    let blob = data_key(&client, kms.key_arn(), "one").await.ciphertext_blob.unwrap();
    let own = [("purpose", "token"), ("owner", "one")];
    kms.disable();
    assert_eq!(decrypted(&client, &blob, &own).await, Err("DisabledException".to_owned()));
    let call = client.generate_data_key().key_id(kms.key_arn()).key_spec(DataKeySpec::Aes256);
    assert!(call.send().await.unwrap_err().into_service_error().is_disabled_exception());
    let described = client.describe_key().key_id(kms.key_arn()).send().await.unwrap();
    assert!(!described.key_metadata.unwrap().enabled);
    kms.enable();
    assert!(decrypted(&client, &blob, &own).await.is_ok());
}

#[tokio::test]
async fn an_unknown_key_is_not_found() {
    let (_kms, client, ..) = started().await;
    let error = client.describe_key().key_id("another").send().await.unwrap_err();
    assert!(error.into_service_error().is_not_found_exception());
}

#[tokio::test]
async fn a_key_file_outlives_the_server_and_is_for_its_owner_only() {
    let folder = std::env::temp_dir().join(format!("slotline-{}", random::id()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("kms.key");
    let start = || Kms::start(Some(&file), Counters::default(), Faults::default());
    let first = start().await.unwrap();
    let client = test_clients::kms(first.url());
    let key = data_key(&client, first.key_arn(), "one").await;
    drop(first);

    let client = start().await.map(|kms| (test_clients::kms(kms.url()), kms)).unwrap();
    let own = [("purpose", "token"), ("owner", "one")];
    let opened = decrypted(&client.0, &key.ciphertext_blob.unwrap(), &own).await;
    assert_eq!(opened, Ok(key.plaintext.unwrap().into_inner()));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn faults_speak_as_kms_does() {
    let (kms, client, _, faults) = started().await;
    let describe = || client.describe_key().key_id(kms.key_arn()).send();
    for (value, status, name) in [
        (json!(400), 400, "ThrottlingException"),
        (json!(500), 500, "KMSInternalException"),
        (json!("KMSInvalidStateException"), 400, "KMSInvalidStateException"),
    ] {
        faults.arm(Fault::new("kms", "DescribeKey", Kind::Status).with(value));
        let error = describe().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert_eq!(error.into_service_error().code(), Some(name));
    }
    faults.arm(Fault::new("kms", "DescribeKey", Kind::DropAfterCommit));
    assert!(matches!(describe().await, Err(SdkError::DispatchFailure(_))));
    assert!(describe().await.is_ok());
}

#[tokio::test]
async fn a_hanging_call_ends_with_the_server() {
    let (kms, client, _, faults) = started().await;
    faults.arm(Fault::new("kms", "DescribeKey", Kind::Hang));
    let call = tokio::spawn(client.describe_key().key_id(kms.key_arn()).send());
    while !faults.waiting().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished());
    drop(kms);
    assert!(matches!(call.await.unwrap(), Err(SdkError::DispatchFailure(_))));
}

/// Wraps a data key again under another KMS key; the error's name if refused.
async fn rewrapped(
    client: &Client,
    blob: &Blob,
    (from, to): (&str, &str),
    (owner, next_owner): (&str, &str),
) -> Result<Blob, String> {
    let call = client.re_encrypt().ciphertext_blob(blob.clone()).source_key_id(from).destination_key_id(to);
    let call = call.source_encryption_context("owner", owner).source_encryption_context("purpose", "token");
    let call = call.destination_encryption_context("owner", next_owner);
    match call.destination_encryption_context("purpose", "token").send().await {
        Ok(output) => {
            assert_eq!((output.source_key_id.as_deref(), output.key_id.as_deref()), (Some(from), Some(to)));
            Ok(output.ciphertext_blob.unwrap())
        }
        Err(error) => Err(error.into_service_error().code().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn a_data_key_moves_to_another_key_with_its_context_and_stays_the_same() {
    let (kms, client, counters, _) = started().await;
    let (old, new) = (kms.previous_key_arn(), kms.key_arn());
    let key = data_key(&client, old, "one").await;
    let (plaintext, blob) = (key.plaintext.unwrap().into_inner(), key.ciphertext_blob.unwrap());

    let moved = rewrapped(&client, &blob, (old, new), ("one", "one")).await.unwrap();
    assert_eq!(counters.of("kms", "ReEncrypt"), 1);
    let own = [("purpose", "token"), ("owner", "one")];
    for wrapped in [&blob, &moved] {
        assert_eq!(decrypted(&client, wrapped, &own).await.as_ref(), Ok(&plaintext));
    }
    let under = |arn: &str| {
        let call = client.decrypt().ciphertext_blob(moved.clone()).key_id(arn);
        call.encryption_context("owner", "one").encryption_context("purpose", "token").send()
    };
    assert!(under(new).await.is_ok());
    assert!(under(old).await.unwrap_err().into_service_error().is_incorrect_key_exception());

    let to_two = rewrapped(&client, &blob, (old, new), ("one", "two")).await.unwrap();
    assert_eq!(decrypted(&client, &to_two, &own).await, Err("InvalidCiphertextException".to_owned()));
    for (keys, owners, refused) in [
        ((old, new), ("two", "two"), "InvalidCiphertextException"),
        ((new, new), ("one", "one"), "IncorrectKeyException"),
        ((old, "another"), ("one", "one"), "NotFoundException"),
    ] {
        assert_eq!(rewrapped(&client, &blob, keys, owners).await, Err(refused.to_owned()), "{keys:?}");
    }
    kms.disable();
    assert_eq!(
        rewrapped(&client, &blob, (old, new), ("one", "one")).await,
        Err("DisabledException".to_owned())
    );
    assert!(decrypted(&client, &blob, &own).await.is_ok());
}
