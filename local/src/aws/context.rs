//! The encryption context in the one form that is authenticated with a blob.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a data key is bound to; sorted, so that the order of writing does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Context(BTreeMap<String, String>);

impl Context {
    /// Every name and value behind its length, so that no two contexts read the same.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        Context(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn no_two_contexts_share_their_canonical_form() {
        let owner = context(&[("owner", "ab"), ("purpose", "c")]);
        assert_eq!(owner.canonical(), context(&[("purpose", "c"), ("owner", "ab")]).canonical());
        for other in [
            context(&[]),
            context(&[("owner", "ab")]),
            context(&[("owner", "a"), ("purpose", "bc")]),
            context(&[("ownera", "b"), ("purpose", "c")]),
            context(&[("owner", "ab\0purpose"), ("c", "")]),
        ] {
            assert_ne!(owner.canonical(), other.canonical());
        }
    }
}
