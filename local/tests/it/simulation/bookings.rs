//! Bookings in bad weather: a few seeds, and a crash at every request of every verb.

use local::simulation::bookings::{
    self, Verdict,
    crash::{self, Again, VERBS, Verb},
    schedules,
};
use shared::ids::Provider;

/// With so many requests the reconciler asks what is due.
const QUESTIONS: u64 = 8;

fn holds(what: &str, verdict: &Verdict) {
    let (violations, trace) = (&verdict.violations, verdict.trace.join("\n"));
    assert!(violations.is_empty(), "{what}: {violations:?}\n{trace}");
}

/// Plays seeds; all of it must have happened somewhere in them.
fn plays(seeds: std::ops::Range<u64>) {
    let mut seen = std::collections::BTreeMap::new();
    for seed in seeds {
        let verdict = bookings::play(seed).unwrap();
        holds(&format!("seed {seed}"), &verdict);
        for (name, count) in verdict.outcomes.into_iter().chain(verdict.injected) {
            *seen.entry(name).or_insert(0) += count;
        }
    }
    for name in ["booked", "replayed", "slot_taken", "held", "booked with a hold", "moved", "cancelled"] {
        assert!(seen.contains_key(name), "nobody was {name}: {seen:?}");
    }
    for name in ["reconciled", "transaction conflict", "lost answer", "event moved by hand", "zone changed"] {
        assert!(seen.contains_key(name), "{name} never happened: {seen:?}");
    }
}

#[test]
fn s5_bookings_are_kept_in_bad_weather() {
    plays(1..31);
}

#[test]
fn s5_bookings_are_kept_in_the_weather_of_other_seeds_as_well() {
    plays(31..61);
}

#[test]
fn s5_what_was_once_wrong_in_bookings_stays_right() {
    for seed in [12, 155, 193, 272, 289, 535, 549, 1012, 2654, 3654, 5925, 9758] {
        holds(&format!("seed {seed}"), &bookings::play(seed).unwrap());
    }
}

fn cut_everywhere(provider: Provider) {
    for verb in VERBS {
        for before in [true, false] {
            let mut requests = 0;
            for at in 1..100 {
                let Some(verdict) = crash::crash_at(provider, verb, at, before).unwrap() else { break };
                requests = at;
                holds(&format!("{provider} {verb:?} at {at}, before: {before}"), &verdict);
            }
            let least = if verb == Verb::LetGo { 3 } else { 6 };
            assert!(requests >= least, "{provider} {verb:?} has more requests than {requests}");
        }
    }
}

#[test]
fn s5_a_crash_at_any_request_of_a_booking_verb_leaves_nothing_wrong_at_google() {
    cut_everywhere(Provider::Google);
}

#[test]
fn s5_a_crash_at_any_request_of_a_booking_verb_leaves_nothing_wrong_at_microsoft() {
    cut_everywhere(Provider::Microsoft);
}

#[test]
fn s5_a_crash_at_any_request_of_the_reconciler_leaves_nothing_wrong() {
    let mut states = 0;
    for verb in VERBS {
        for left in crash::unfinished(Provider::Google, verb).unwrap() {
            states += 1;
            for before in [true, false] {
                let mut requests = 0;
                // Crashes among the eight questions for what is due are all alike.
                for at in QUESTIONS..100 {
                    let again = Again { at, before };
                    let Some(verdict) = crash::crash_twice(Provider::Google, verb, left, again).unwrap()
                    else {
                        break;
                    };
                    requests = at;
                    holds(&format!("{verb:?} at {left}, then the reconciler at {again:?}"), &verdict);
                }
                assert!(
                    requests > QUESTIONS + 2,
                    "{verb:?} at {left} leaves the reconciler nothing to do: {requests}"
                );
            }
        }
    }
    assert!(states >= 12, "only {states} unfinished states");
}

#[test]
fn a_seed_of_bookings_does_the_same_again() {
    for seed in [3, 14, 155] {
        let (one, other) = (bookings::play(seed).unwrap(), bookings::play(seed).unwrap());
        assert!(one.trace.len() > 200, "seed {seed} did nothing");
        assert_eq!(one.trace, other.trace, "seed {seed}");
    }
}

fn schedules(seeds: std::ops::Range<u64>) {
    let mut booked = 0;
    for seed in seeds {
        let verdict = schedules::play(seed).unwrap();
        holds(&format!("schedule {seed}"), &verdict);
        booked += verdict.outcomes.get("booked").copied().unwrap_or_default();
    }
    assert!(booked > 50, "only {booked} were booked");
}

#[test]
fn s5_on_random_schedules_offers_are_true_and_nothing_overlaps() {
    schedules(1..13);
}

#[test]
fn s5_on_other_random_schedules_offers_are_true_and_nothing_overlaps() {
    schedules(13..25);
}
