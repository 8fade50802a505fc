//! What runs before a handler: the log, the settings, the [`App`], and the runners. The only reader of the environment.

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use shared::{app::App, clock::Clock, config::Config};
use tracing::level_filters::LevelFilter;

use crate::{Function, authorizer, event, router};

/// The function's name, which Lambda takes from `Handler:`.
pub fn handler() -> Option<String> {
    variable("_HANDLER")
}

/// Runs a function behind API Gateway until Lambda ends it.
pub fn http(function: Function) -> ExitCode {
    run(async move |app| {
        let router = router(function, &app);
        let served = service_fn(move |LambdaEvent { payload, context }| {
            event::serve(router.clone(), payload, context)
        });
        lambda_runtime::run(served).await
    })
}

/// Runs the authorizer until Lambda ends it.
pub fn authorizer() -> ExitCode {
    run(async |app: App| {
        let app = &app;
        let served =
            service_fn(async |event: LambdaEvent<_>| authorizer::authorize(app, event.payload).await);
        lambda_runtime::run(served).await
    })
}

/// One line on standard error, because the log may not stand yet, and the exit code of a failure.
pub fn fail(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}

/// The [`App`] from the environment; the text names every wrong variable.
pub fn app() -> Result<App, String> {
    let config = Config::read(variable).map_err(|error| error.to_string())?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let extra_roots = match &config.extra_roots {
        Some(path) => Some(std::fs::read(path).map_err(|error| format!("SSL_CERT_FILE {path}: {error}"))?),
        None => None,
    };
    let clock = config.now.map_or_else(Clock::system, Clock::fixed);
    App::new(config, clock, extra_roots).map_err(|error| error.to_string())
}

fn run(serve: impl AsyncFnOnce(App) -> Result<(), lambda_runtime::Error>) -> ExitCode {
    log();
    let app = match app() {
        Ok(app) => app,
        Err(text) => return fail(&text),
    };
    // One thread: a Lambda works on one request at a time, and more threads only cost memory.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("runtime: {error}")),
    };
    match runtime.block_on(serve(app)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("Lambda runtime: {error}")),
    }
}

/// JSON lines on standard output, which Lambda hands to CloudWatch.
fn log() {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_max_level(level(&variable("RUST_LOG").unwrap_or_default()))
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        // Somebody set one up before: theirs stays.
        tracing::debug!("a log subscriber was there");
    }
}

/// The first bare level of `RUST_LOG`; directives for single modules are passed over.
fn level(wanted: &str) -> LevelFilter {
    // An empty text would parse, and mean errors alone.
    let parts = wanted.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.filter_map(|part| part.parse().ok()).next().unwrap_or(LevelFilter::INFO)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_of_requests_unless_somebody_wants_otherwise() {
        for (wanted, expected) in [
            ("", LevelFilter::INFO),
            (" ", LevelFilter::INFO),
            ("debug", LevelFilter::DEBUG),
            ("hyper=warn, trace", LevelFilter::TRACE),
            ("nonsense", LevelFilter::INFO),
        ] {
            assert_eq!(level(wanted), expected, "{wanted}");
        }
    }
}
