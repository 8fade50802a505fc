//! Sealing bytes with a key that is at hand: AES-256-GCM, bound to who and what they are for.
//!
//! Layout: one version byte, a 12-byte random nonce, ciphertext with its 16-byte tag (NIST SP 800-38D).
//! Where keys come from is the business of `vault.rs` and `flowkey.rs`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    random,
};

/// The only layout so far.
const VERSION: u8 = 1;

/// A 256-bit key, wiped when dropped.
pub type Key = Zeroizing<[u8; 32]>;

/// What a sealed value is bound to; opening under any other context fails.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The parts, in a fixed order for each purpose.
    pub parts: &'a [&'a str],
}

impl Context<'_> {
    /// Each part with its length in front, so that no two lists of parts look the same.
    fn bytes(self) -> Vec<u8> {
        let mut out = vec![VERSION];
        for part in self.parts {
            // A part is an id or a short name; its length fits.
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

/// Seals `plaintext` under `key` for `context`.
pub fn seal(key: &Key, context: Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>> {
    seal_with_nonce(key, context, plaintext, random::bytes())
}

fn seal_with_nonce(
    key: &Key,
    context: Context<'_>,
    plaintext: &[u8],
    nonce: [u8; NONCE_LEN],
) -> Result<Vec<u8>> {
    let mut body = plaintext.to_vec();
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.bytes()), &mut body)
        .map_err(|_| Error::internal("sealing failed"))?;
    let mut out = Vec::with_capacity(1 + NONCE_LEN + body.len());
    out.push(VERSION);
    out.extend_from_slice(&nonce);
    out.append(&mut body);
    Ok(out)
}

/// Opens what [`seal`] sealed under the same key and context.
pub fn open(key: &Key, context: Context<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let refused =
        || Error::internal("a sealed value does not open: wrong key, wrong context or changed bytes");
    let (head, body) = sealed.split_at_checked(1 + NONCE_LEN).ok_or_else(refused)?;
    let Some((&VERSION, nonce)) = head.split_first() else { return Err(refused()) };
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = cipher(key)?
        .open_in_place(nonce, Aad::from(context.bytes()), &mut body)
        .map_err(|_| refused())?
        .len();
    body.truncate(length);
    Ok(body)
}

fn cipher(key: &Key) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key.as_slice())
        .map_err(|_| Error::internal("a key has the wrong length"))?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&str; 8] = ["prod", "user:user_1", "google", "con_1", "a1b2", "access", "7", "x"];

    fn key() -> Key {
        Zeroizing::new([7; 32])
    }

    #[test]
    fn s2_what_was_sealed_opens_under_the_same_context_only() {
        let sealed = seal(&key(), Context { parts: &PARTS }, b"EXAMPLE-token").unwrap();
        assert_eq!(open(&key(), Context { parts: &PARTS }, &sealed).unwrap().as_slice(), b"EXAMPLE-token");
        for at in 0..PARTS.len() {
            let mut other = PARTS;
            other[at] = "other";
            assert!(open(&key(), Context { parts: &other }, &sealed).is_err(), "part {at} is not bound");
        }
        assert!(open(&Zeroizing::new([8; 32]), Context { parts: &PARTS }, &sealed).is_err());
    }

    #[test]
    fn s2_no_single_bit_may_change() {
        let sealed = seal(&key(), Context { parts: &PARTS }, b"EXAMPLE-token").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key(), Context { parts: &PARTS }, &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open(&key(), Context { parts: &PARTS }, &sealed[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn s2_parts_cannot_be_shifted_into_each_other() {
        let sealed = seal(&key(), Context { parts: &["ab", "c"] }, b"x").unwrap();
        assert!(open(&key(), Context { parts: &["a", "bc"] }, &sealed).is_err());
    }

    #[test]
    fn s2_the_layout_is_pinned_by_a_known_answer() {
        let sealed =
            seal_with_nonce(&key(), Context { parts: &["a", "b"] }, b"EXAMPLE", [9; NONCE_LEN]).unwrap();
        assert_eq!(random::hex(&sealed), KNOWN_ANSWER);
        assert_eq!(open(&key(), Context { parts: &["a", "b"] }, &sealed).unwrap().as_slice(), b"EXAMPLE");
    }

    /// Made by another implementation: Python `cryptography`, AESGCM(key 07×32), nonce 09×12,
    /// additional data 01 00000001 61 00000001 62.
    const KNOWN_ANSWER: &str = "0109090909090909090909090962ddc5d9eebc843e8b523191a1491fe80abf625512639e";
}
