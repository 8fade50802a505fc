//! How often each operation of each outside system was asked for: the round trips that a run is held to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Calls by system, then by operation.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Counts calls by system and operation; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Mutex<Counts>>);

impl Counters {
    /// Counts one call of `operation` at `system`.
    pub fn count(&self, system: &str, operation: &str) {
        let mut counts = self.counts();
        *counts.entry(system.to_owned()).or_default().entry(operation.to_owned()).or_default() += 1;
    }

    /// The calls of `operation` at `system` since the last reset.
    pub fn of(&self, system: &str, operation: &str) -> u64 {
        self.counts()
            .get(system)
            .and_then(|operations| operations.get(operation))
            .copied()
            .unwrap_or_default()
    }

    /// Everything counted since the last reset.
    pub fn snapshot(&self) -> Counts {
        self.counts().clone()
    }

    /// Starts again at zero; systems that were counted stay listed, without operations.
    pub fn reset(&self) {
        self.counts().values_mut().for_each(BTreeMap::clear);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // One number changes at a time, so a poisoned lock still holds sound counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_a_reset_starts_at_zero() {
        let counters = Counters::default();
        let same = counters.clone();
        counters.count("google", "token");
        same.count("google", "token");
        same.count("kms", "Decrypt");
        assert_eq!(counters.of("google", "token"), 2);
        assert_eq!(counters.snapshot()["kms"]["Decrypt"], 1);
        counters.reset();
        assert_eq!(same.of("google", "token"), 0);
        assert!(same.snapshot()["google"].is_empty());
    }
}
