//! What only we can write: sealed tokens and codes, free slots as texts. What was sealed opens; anything else, and
//! anything that differs in one bit, does not.

#![no_main]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fuzz::world::NOW;
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use secrecy::{ExposeSecret as _, SecretString};
use shared::{
    flowkey::FlowKey,
    ids::OwnerId,
    range::Interval,
    seal::{self, Context, Key},
    slottoken::{Offer, SlotKey},
};

/// Version, nonce and tag.
const FRAME: usize = 1 + 12 + 16;

fuzz_target!(|data: &[u8]| {
    // Eight bytes that steer, then lines: parts of a context, and what is sealed at the end.
    let Some((steer, rest)) = data.split_first_chunk::<8>() else { return };
    let steer = u64::from_be_bytes(*steer);
    let mut lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    let plain = lines.pop().unwrap_or_default();
    let parts: Vec<String> = lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    tokens(steer, &parts, plain);
    codes(steer, &String::from_utf8_lossy(plain));
    slots(steer, &parts, plain);
});

fn tokens(steer: u64, parts: &[String], plain: &[u8]) {
    let key = Key::from([steer.to_le_bytes()[0]; 32]);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let context = Context { parts: &parts };
    assert!(seal::open(&key, context, plain).is_err(), "nobody sealed this");
    let sealed = seal::seal(&key, context, plain).expect("sealing works");
    assert_eq!(sealed.len(), plain.len() + FRAME);
    assert_eq!(seal::open(&key, context, &sealed).expect("what was sealed opens").as_slice(), plain);
    let changed = flipped(&sealed, steer);
    assert!(seal::open(&key, context, &changed).is_err(), "one bit differs");
    let cut = steer as usize % sealed.len();
    assert!(seal::open(&key, context, &sealed[..cut]).is_err(), "cut to {cut}");
    assert!(seal::open(&key, context, &[sealed.as_slice(), b"\0"].concat()).is_err(), "one byte more");
    assert!(seal::open(&Key::from([!steer.to_le_bytes()[0]; 32]), context, &sealed).is_err(), "another key");
    for other in others(&parts, steer) {
        let other: Vec<&str> = other.iter().map(String::as_str).collect();
        assert!(seal::open(&key, Context { parts: &other }, &sealed).is_err(), "{other:?} for {parts:?}");
    }
}

/// Contexts that look alike: a part less, a part more, a letter that moves to its neighbour, two parts joined.
fn others(parts: &[&str], steer: u64) -> Vec<Vec<String>> {
    let owned: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    let mut all = vec![[owned.as_slice(), &[String::new()]].concat()];
    if let Some((_, less)) = owned.split_last() {
        all.push(less.to_vec());
        let at = (steer >> 8) as usize % owned.len();
        let mut longer = owned.clone();
        longer[at].push('x');
        all.push(longer);
    }
    if let Some([first, second]) = owned.first_chunk::<2>() {
        all.push([&[format!("{first}{second}")], &owned[2..]].concat());
        let mut moved = owned.clone();
        if let Some(letter) = moved[0].pop() {
            moved[1].insert(0, letter);
            all.push(moved);
        }
    }
    all
}

fn codes(steer: u64, code: &str) {
    let key = FlowKey::new(&SecretString::from("EXAMPLE-root"));
    let flow = format!("{steer:x}");
    let sealed = key.seal_code(&flow, &SecretString::from(code)).expect("sealing works");
    assert_eq!(key.open_code(&flow, &sealed).expect("opens").expose_secret(), code);
    assert!(key.open_code(&flow, &flipped(&sealed, steer)).is_err());
    assert!(key.open_code(&format!("{flow}0"), &sealed).is_err());
}

fn slots(steer: u64, parts: &[String], text: &[u8]) {
    let key: SlotKey = FlowKey::new(&SecretString::from("EXAMPLE-root")).slot_key();
    let now = Timestamp::from_second(NOW).expect("a year that exists");
    if let Ok(text) = std::str::from_utf8(text) {
        assert!(key.read(text, now).is_err(), "nobody offered this");
    }
    let part = |at: usize| parts.get(at).map(String::as_str).unwrap_or_default();
    let Ok(owner) = part(0).parse::<OwnerId>() else { return };
    let service = part(1).parse().ok();
    let start = Timestamp::from_second(i64::from((steer >> 32) as u32)).expect("a year that exists");
    let slot = Interval::new(start, start + SignedDuration::from_secs((steer & 0xffff) as i64 + 1));
    let offer = Offer { owner, service, slot, time_zone: "Europe/Berlin".to_owned() };
    let token = key.write(&offer, now).expect("an owner and a zone are short");
    assert_eq!(key.read(&token, now).expect("what was offered is read"), offer);
    assert!(
        key.read(&token, now + SignedDuration::from_mins(15)).is_err(),
        "offered for a quarter of an hour"
    );
    let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64url");
    assert!(key.read(&URL_SAFE_NO_PAD.encode(flipped(&bytes, steer)), now).is_err(), "one bit differs");
}

fn flipped(bytes: &[u8], steer: u64) -> Vec<u8> {
    let bit = steer as usize % (bytes.len() * 8);
    let mut changed = bytes.to_vec();
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}
