//! A free slot as a text that only we can write, so that an offer comes back exactly as it was made.
//!
//! It says whose slot it is, for which service, from when until when, in which zone it was told, and until when the
//! offer stands. It reserves nothing: whoever takes the slot is still asked whether it is free. It can be read by
//! anybody who holds it and holds nothing that its holder does not know.
//!
//! Layout, in base64url: version (1 byte), end of the offer, start, end (seconds since the epoch, 8 bytes each, big
//! endian), then owner, service (empty for none) and zone with a length byte before each, then HMAC-SHA-256 of all that.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Error, Result},
    ids::OwnerId,
    random,
    range::Interval,
    schedule::zone_named,
    seal::Key,
    service::ServiceId,
};

/// How long an offer stands: longer than a person thinks, shorter than a calendar stays as it is.
pub const OFFERED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// The only layout so far.
const VERSION: u8 = 1;
const MAC_LEN: usize = 32;
/// Longer than any token of ours: three texts of at most 255 bytes.
const MOST_BYTES: usize = 1 + 3 * 8 + 3 * 256 + MAC_LEN;

/// A slot that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Whose time it is.
    pub owner: OwnerId,
    /// For which service; none where only a duration was asked for.
    pub service: Option<ServiceId>,
    /// The slot; whole seconds.
    pub slot: Interval,
    /// IANA zone in which it was told.
    pub time_zone: String,
}

/// The key under which offers are written; derived from the flow root.
pub struct SlotKey(Key);

impl SlotKey {
    /// From 256 derived bits.
    pub fn new(key: Key) -> Self {
        Self(key)
    }

    /// The token of an offer that stands from `now` on for [`OFFERED_FOR`].
    pub fn write(&self, offer: &Offer, now: Timestamp) -> Result<String> {
        let until = now.saturating_add(OFFERED_FOR).unwrap_or(Timestamp::MAX);
        let mut bytes = vec![VERSION];
        for at in [until, offer.slot.start, offer.slot.end] {
            bytes.extend_from_slice(&at.as_second().to_be_bytes());
        }
        let service = offer.service.as_ref().map_or("", ServiceId::as_str);
        for text in [offer.owner.to_string().as_str(), service, &offer.time_zone] {
            let length =
                u8::try_from(text.len()).map_err(|_| Error::internal("a slot's text is too long"))?;
            bytes.push(length);
            bytes.extend_from_slice(text.as_bytes());
        }
        let mac = random::hmac_sha256(self.0.as_slice(), &bytes);
        bytes.extend_from_slice(&mac);
        Ok(random::base64url(&bytes))
    }

    /// What a token offers. An error names `slot` and says whether it is none of ours or only too old.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Offer> {
        let (until, offer) = self
            .opened(token.trim())
            .ok_or_else(|| Error::invalid("slot", "must be the slot of an availability answer, unchanged"))?;
        if until <= now {
            return Err(Error::invalid("slot", "has expired; ask for free slots again"));
        }
        Ok(offer)
    }

    fn opened(&self, token: &str) -> Option<(Timestamp, Offer)> {
        if token.len() > MOST_BYTES.div_ceil(3) * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_LEN)?)?;
        if !random::same(&random::hmac_sha256(self.0.as_slice(), body), mac) {
            return None;
        }
        let (&VERSION, mut rest) = body.split_first()? else { return None };
        let (until, start, end) = (instant(&mut rest)?, instant(&mut rest)?, instant(&mut rest)?);
        let (owner, service, time_zone) = (text(&mut rest)?, text(&mut rest)?, text(&mut rest)?);
        let service = (!service.is_empty()).then(|| service.parse()).transpose().ok()?;
        zone_named(time_zone).ok()?;
        let slot = Interval::new(start, end);
        let offer = Offer { owner: owner.parse().ok()?, service, slot, time_zone: time_zone.to_owned() };
        (rest.is_empty() && !slot.is_empty()).then_some((until, offer))
    }
}

fn instant(rest: &mut &[u8]) -> Option<Timestamp> {
    let (first, left) = rest.split_first_chunk()?;
    *rest = left;
    Timestamp::from_second(i64::from_be_bytes(*first)).ok()
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (&length, left) = rest.split_first()?;
    let (text, left) = left.split_at_checked(usize::from(length))?;
    *rest = left;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::flowkey::FlowKey;

    const NOW: &str = "2026-01-05T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key() -> SlotKey {
        FlowKey::new(&SecretString::from("EXAMPLE-root")).slot_key()
    }

    fn offer(service: Option<&str>) -> Offer {
        Offer {
            owner: OwnerId::user("user_2EXAMPLE").unwrap(),
            service: service.map(|id| id.parse().unwrap()),
            slot: Interval::new(at("2026-01-06T14:00:00Z"), at("2026-01-06T14:30:00Z")),
            time_zone: "America/New_York".to_owned(),
        }
    }

    fn refusal(result: Result<Offer>) -> String {
        match result {
            Err(Error::Invalid { field, reason }) => format!("{field} {reason}"),
            other => panic!("expected a wrong field, got {other:?}"),
        }
    }

    /// Computed with Python's `hmac` and `base64` from the layout above.
    #[test]
    fn a_known_offer_has_a_known_token() {
        let token = key().write(&offer(Some("haircut")), at(NOW)).unwrap();
        assert_eq!(
            token,
            "AQAAAABpW6tEAAAAAGldFWAAAAAAaV0caBJ1c2VyOnVzZXJfMkVYQU1QTEUHaGFpcmN1dBBBbWVyaWNhL05ld19Zb3Jr_h1Dl89qHWqOYNRHvKukTUu724RrO6TKFdQH96mh1js"
        );
        assert_eq!(key().read(&token, at(NOW)).unwrap(), offer(Some("haircut")));
    }

    #[test]
    fn an_offer_comes_back_as_it_was_made_until_it_expires() {
        for offer in [offer(None), offer(Some("haircut"))] {
            let token = key().write(&offer, at(NOW)).unwrap();
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            assert_eq!(key().read(&token, at("2026-01-05T12:14:59Z")).unwrap(), offer);
            assert!(refusal(key().read(&token, at("2026-01-05T12:15:00Z"))).starts_with("slot has expired"));
        }
    }

    #[test]
    fn one_changed_bit_anywhere_makes_it_nobodys() {
        let token = key().write(&offer(Some("haircut")), at(NOW)).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(
                refusal(key().read(&random::base64url(&changed), at(NOW))).starts_with("slot must be"),
                "{bit}"
            );
        }
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = String::from_utf8(changed) {
                assert!(refusal(key().read(&text, at(NOW))).starts_with("slot must be"), "{bit}");
            }
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = key().write(&offer(None), at(NOW)).unwrap();
        let other = FlowKey::new(&SecretString::from("EXAMPLE-other-root")).slot_key();
        assert!(refusal(other.read(&token, at(NOW))).starts_with("slot must be"));
        for odd in [
            "",
            "A",
            "AAAA",
            "2026-01-06T14:00:00Z",
            &token[1..],
            &format!("{token}AAAA"),
            &"A".repeat(9_999),
        ] {
            assert!(refusal(key().read(odd, at(NOW))).starts_with("slot must be"), "{odd}");
        }
    }
}
