//! What an operator does by hand, on the tables of any stage: look at a connection, erase a user, change the key,
//! try dead letters again. The same verbs as the functions', under the operator's own credentials.

mod command;
mod erase;
mod explain;
mod issue;
mod redrive;
mod rewrap;
mod settings;

use shared::{app::App, error::Error};

use crate::envfile;

pub use command::{Command, Issued};

/// What `operator --help` says.
pub const USAGE: &str = "\
usage: cargo run --release -- operator COMMAND --env-file FILE

  explain OWNER [CONNECTION]   what stands with an owner's connections, why, and what happens next; changes nothing
  erase USER [--yes]           deletes everything of a user; without --yes says what there is, and deletes nothing
  rewrap [--from CURSOR]       wraps every data key under the configured KMS key, after a change of the key
  redrive                      moves the rescue queue's dead letters back into the queue
  credential TENANT [--kind secret|bearer|hmac] [--calls default|assistant:ID|number:N|phone_number_id:ID [--for OWNER] [--yes]]
                               makes a VAPI credential and says whose calls it brings; without --calls the tenant's routes
                               stay as they are; --yes lets --calls replace a route that leads elsewhere
  service-token TENANT --scopes business:read,business:write [--days 365]
                               makes a token for a server
  withdraw ID                  ends a credential (vcr_…, slv_…) or a service token (stk_…, slk_…)

OWNER and TENANT are user_…, subaccount:… or business:…; USER is user_….
FILE has the settings of the stage as NAME=value lines or a JSON object. Of a deployed stage:

  aws lambda get-function-configuration --function-name \"$TokenRefreshFunctionName\" --query Environment.Variables --output json > stage.json
  eval \"$(aws configure export-credentials --format env)\"; export AWS_REGION=us-east-1
  cargo run --release -- operator explain user_2abcDEF --env-file stage.json

Of a local stack: the line that `cargo run -- serve --ready-json` prints. docs/OPERATIONS.md says what each command may need to do.";

/// Runs the words behind `operator`; each line goes to `say` as soon as it is known.
pub async fn run(words: &[String], say: &mut impl FnMut(&str)) -> Result<(), String> {
    if words.iter().any(|word| ["--help", "-h", "help"].contains(&word.as_str())) {
        say(USAGE);
        return Ok(());
    }
    let (command, file) = Command::read(words)?;
    let app = settings::app(&envfile::read(&file)?)?;
    perform(&app, &command, say).await
}

/// Does one command.
pub async fn perform(app: &App, command: &Command, say: &mut impl FnMut(&str)) -> Result<(), String> {
    say(&format!("stage {} in {}", app.config.stage.as_str(), app.config.aws.region));
    match command {
        Command::Explain { owner, connection } => explain::run(app, owner, connection.as_ref(), say).await,
        Command::Erase { user, yes } => erase::run(app, user, *yes, say).await,
        Command::Rewrap { from } => rewrap::run(app, from.clone(), say).await,
        Command::Redrive => redrive::run(app, say).await,
        Command::Credential { tenant, kind, route, yes } => {
            issue::credential(app, tenant, *kind, route.as_ref(), *yes, say).await
        }
        Command::ServiceToken { tenant, scopes, days } => {
            issue::service_token(app, tenant, scopes, *days, say).await
        }
        Command::Withdraw(what) => issue::withdraw(app, what, say).await,
    }
}

/// An error as an operator can use it.
fn told(error: Error) -> String {
    match error {
        Error::Invalid { field, reason } => format!("{field} {reason}"),
        Error::Unavailable { system, .. } => format!(
            "{system} does not answer, or does not take the credentials: look at AWS_REGION and AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN (they may have expired), then repeat the command"
        ),
        Error::Internal(text) => format!(
            "{text}; docs/OPERATIONS.md says what the credentials must allow, and --env-file says which tables"
        ),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
