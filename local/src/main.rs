//! `cargo run`: the demo, the local stack, the judge, and scripted calls.

use std::process::ExitCode;

use local::cli;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::run(std::env::args().skip(1).collect()).await
}
