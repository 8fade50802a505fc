//! What runs before a handler: the log, the settings, the [`App`], and the runners. The only reader of the environment.

use std::{io, process::ExitCode};

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::{
    app::App,
    clock::{self, Clock},
    config::Config,
    deadline,
};
use tracing::level_filters::LevelFilter;

use crate::{Function, authorizer, event, metrics, reconcile, router, token_refresh};

/// The function's name, which Lambda takes from `Handler:`.
pub fn handler() -> Option<String> {
    variable("_HANDLER")
}

/// Runs a function behind API Gateway until Lambda ends it.
pub fn http(function: Function) -> ExitCode {
    run(async move |app| {
        let router = router(function, &app);
        let served = service_fn(move |LambdaEvent { payload, context }| {
            timed(context.deadline, event::serve(router.clone(), payload, context))
        });
        lambda_runtime::run(served).await
    })
}

/// Runs the authorizer until Lambda ends it.
pub fn authorizer() -> ExitCode {
    run(async |app: App| {
        let app = &app;
        let served = service_fn(|LambdaEvent { payload, context }| {
            timed(context.deadline, authorizer::authorize(app, payload))
        });
        lambda_runtime::run(served).await
    })
}

/// Runs the keeper until Lambda ends it.
pub fn token_refresh() -> ExitCode {
    run(async |app: App| {
        let app = &app;
        let served = service_fn(|LambdaEvent { payload, context }| {
            timed(context.deadline, kept(app, payload, context.request_id))
        });
        lambda_runtime::run(served).await
    })
}

/// Runs the reconciler until Lambda ends it.
pub fn reconcile() -> ExitCode {
    run(async |app: App| {
        let app = &app;
        let served = service_fn(|LambdaEvent::<Value> { context, .. }| {
            timed(
                context.deadline,
                async move { reconcile::run(app, &context.request_id).await.map(measured) },
            )
        });
        lambda_runtime::run(served).await
    })
}

async fn kept(app: &App, event: Value, request_id: String) -> Result<Value, lambda_runtime::Error> {
    token_refresh::run(app, event, &request_id).await.map(measured)
}

/// The answer of a run, whose metrics go out.
fn measured(ran: token_refresh::Ran) -> Value {
    if let Err(error) = metrics::write(&mut io::stdout(), &ran.metrics) {
        // The work is done; a run that failed for this would be repeated.
        tracing::warn!(%error, "the metrics of a run are lost");
    }
    ran.answer
}

/// Runs one invocation, which knows when Lambda will end it (`deadline`, in milliseconds since the epoch).
async fn timed<F: Future>(deadline: u64, work: F) -> F::Output {
    deadline::within(clock::real_time_until(deadline), work).await
}

/// One line on standard error, because the log may not stand yet, and the exit code of a failure.
pub fn fail(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}

/// The [`App`] from settings; the text names every wrong one.
pub fn app(settings: impl Fn(&str) -> Option<String>) -> Result<App, String> {
    let config = Config::read(settings).map_err(|error| error.to_string())?;
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
    let app = match app(variable) {
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

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_handler_knows_when_lambda_ends_it() {
        let left = || async { deadline::left().as_secs().to_string() };
        let router = Router::new().fallback(axum::routing::any(left));
        let event = json!({
            "version": "2.0", "rawPath": "/", "headers": {}, "requestContext": {"http": {"method": "GET", "path": "/"}, "timeEpoch": 0},
        });
        let end = Clock::system().now() + Duration::from_secs(300);
        let mut context = lambda_runtime::Context::default();
        context.deadline = u64::try_from(end.as_millisecond()).unwrap();
        let event = serde_json::from_value(event).unwrap();
        let answer = timed(context.deadline, event::serve(router, event, context)).await;
        let answer = serde_json::to_value(answer.unwrap()).unwrap();
        let seconds: u64 = answer["body"].as_str().unwrap().parse().unwrap();
        assert!((290..=300).contains(&seconds), "{seconds}");
    }

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
