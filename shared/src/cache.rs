//! A small map whose entries are believed for a while; for what every request of a warm process asks again.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// Entries are dropped when they are older than `life`, and the oldest when there are `most`.
#[derive(Clone)]
pub struct Cache<K, V> {
    entries: Arc<Mutex<HashMap<K, (Timestamp, V)>>>,
    life: SignedDuration,
    most: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// An empty cache.
    pub fn new(life: SignedDuration, most: usize) -> Self {
        Self { entries: Arc::default(), life, most }
    }

    /// An entry that is young enough.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let mut entries = self.entries();
        let (kept_at, value) = entries.get(key)?;
        if now.duration_since(*kept_at) < self.life {
            return Some(value.clone());
        }
        entries.remove(key);
        None
    }

    /// Keeps an entry, at the cost of the oldest one when there are too many.
    pub fn put(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.entries();
        // What nobody asks for again goes as well: a data key must not outstay its time.
        entries.retain(|_, (kept_at, _)| now.duration_since(*kept_at) < self.life);
        if entries.len() >= self.most
            && !entries.contains_key(&key)
            && let Some(oldest) =
                entries.iter().min_by_key(|(_, (kept_at, _))| *kept_at).map(|(key, _)| key.clone())
        {
            entries.remove(&oldest);
        }
        entries.insert(key, (now, value));
    }

    /// Drops an entry.
    pub fn remove(&self, key: &K) {
        self.entries().remove(key);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, (Timestamp, V)>> {
        // Entries are inserted whole, so a poisoned lock still holds sound ones.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_grow_old_and_the_oldest_makes_room() {
        let cache = Cache::new(SignedDuration::from_secs(60), 2);
        let at = |second| Timestamp::from_second(second).unwrap();
        cache.put("a", 1, at(0));
        cache.put("b", 2, at(10));
        assert_eq!(cache.get(&"a", at(59)), Some(1));
        assert_eq!(cache.get(&"a", at(60)), None);
        cache.put("c", 3, at(61));
        cache.put("d", 4, at(62));
        assert_eq!(
            (cache.get(&"b", at(62)), cache.get(&"c", at(62)), cache.get(&"d", at(62))),
            (None, Some(3), Some(4))
        );
    }
}
