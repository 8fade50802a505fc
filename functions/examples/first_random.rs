//! Draws a process's first random bytes and ends: what a cold start pays before its first TLS hello.
//! `./check entropy` builds it as the release is built and measures its CPU time.

fn main() -> Result<(), aws_lc_rs::error::Unspecified> {
    aws_lc_rs::rand::fill(&mut [0; 32])
}
