//! A few hundred seeds of the simulation; `cargo run --release -- simulate tokens` plays ten thousand.

mod bookings;

use local::simulation::{
    command::Wanted,
    refreshers::{self, Rounds},
    tokens::{self, RULES},
};

fn plays(seeds: std::ops::Range<u64>) {
    let mut kept = 0;
    for seed in seeds {
        let verdict = tokens::play(seed).unwrap();
        let (violations, trace) = (&verdict.violations, verdict.trace.join("\n"));
        assert!(violations.is_empty(), "seed {seed}: {violations:?}\n{trace}");
        kept += verdict.injected.get("refreshed by the keeper").copied().unwrap_or_default();
    }
    assert!(kept > 0, "the keeper never had anything to do");
}

#[test]
fn s3_tokens_are_kept_in_bad_weather_or_lost_where_nothing_could_have_kept_them() {
    plays(1..101);
}

#[test]
fn s3_tokens_are_kept_in_the_weather_of_other_seeds_as_well() {
    plays(101..201);
}

#[test]
fn s3_a_crash_at_any_request_of_a_refresh_loses_no_more_than_it_must() {
    for rule in RULES {
        for before in [true, false] {
            let mut requests = 0;
            for at in 1..100 {
                let Some(verdict) = tokens::crash_at(rule, at, before).unwrap() else { break };
                requests = at;
                assert!(
                    verdict.violations.is_empty(),
                    "{rule:?} at {at}: {:?}\n{}",
                    verdict.violations,
                    verdict.trace.join("\n")
                );
            }
            assert!(requests >= 6, "a refresh has more requests than {requests}");
        }
    }
}

#[test]
fn s3_of_many_refreshers_one_asks_and_all_get_the_new_token() {
    for rule in RULES {
        let showed = refreshers::play(rule, 64, 2).unwrap();
        assert_eq!(showed, Rounds { token_calls: 2, most_calls: 1, served: 128, failed: 0 }, "{rule:?}");
    }
}

#[test]
fn a_seed_does_the_same_again() {
    for seed in [3, 14, 159] {
        let (one, other) = (tokens::play(seed).unwrap(), tokens::play(seed).unwrap());
        assert!(one.trace.len() > 20, "seed {seed} did nothing");
        assert_eq!(one.trace, other.trace, "seed {seed}");
    }
}

#[test]
fn the_command_says_what_it_wants() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(Wanted::read(&words("tokens --seeds 5 --from 7")), Ok(Wanted::Tokens { seeds: 5, from: 7 }));
    let bookings = Wanted::Bookings { seeds: 10_000, from: 7 };
    assert_eq!(Wanted::read(&words("bookings --from 7")), Ok(bookings));
    assert_eq!(Wanted::read(&words("refreshers")), Ok(Wanted::Refreshers { refreshers: 64, rounds: 200 }));
    for odd in ["", "weather", "tokens --seeds", "tokens --seeds many", "bookings --help"] {
        assert!(Wanted::read(&words(odd)).is_err(), "{odd}");
    }
}
