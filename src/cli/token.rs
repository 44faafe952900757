//! `quorate token`: the tokens clients show; and where this program has its own from.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use hyper::Method;
use hyper::header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::client::{Answer, Request};
use super::confirm::{ask, must_ask};
use super::fail::{About, Exit, Failure};
use super::output::{Format, note};
use super::session::Session;
use super::table::Table;
use crate::auth::Secret;
use crate::clock;
use crate::config::units;
use crate::limits::TOKEN_BYTES_MAX;
use crate::views::TokenView;

const TOKENS: &str = "/v1/tokens";
/// The environment variable that may hold the token itself. There is no such flag: everybody can see arguments.
pub(super) const VARIABLE: &str = "QUORATE_TOKEN";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token and print it: nothing shows it again
    Create {
        /// What to call it; no two tokens share a name
        #[arg(long)]
        name: String,
        /// Name of its user in the Redis protocol [default: its name]
        #[arg(long)]
        user: Option<String>,
        /// What it allows, such as `read,write on default prefix user:`, `read on *`, `admin` or `metrics`; repeatable
        #[arg(long, value_name = "RULE", required = true)]
        allow: Vec<String>,
        /// How long it holds, such as 12h or 30d [default: until it is deleted]
        #[arg(long, value_name = "TIME", value_parser = units::duration)]
        expires_in: Option<Duration>,
    },
    /// List the tokens, without their secrets
    List,
    /// Delete a token: whoever shows it is refused from then on
    Delete {
        /// Its id or its name
        token: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Runs one of them.
pub(super) async fn run(session: Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { name, user, allow, expires_in } => {
            let expires_in_ms = expires_in.map(|time| time.as_millis() as u64);
            let body = serde_json::json!({"name": name, "user": user, "allow": allow, "expires_in_ms": expires_in_ms});
            create(session, &body).await
        }
        Command::List => list(session).await,
        Command::Delete { token, yes } => delete(session, &token, yes).await,
    }
}

/// What the answer to a creation has besides.
#[derive(serde::Deserialize)]
struct Created {
    id: String,
    token: String,
}

async fn create(mut session: Session, body: &serde_json::Value) -> Result<(), Failure> {
    let request = Request::new(Method::POST, TOKENS, About::Cluster).json(body);
    let answer = session.client.call(request).await?;
    if session.output.format == Format::Json {
        return Ok(session.output.json(&answer.body)?);
    }
    let Created { id, token } = answer.read()?;
    note(&format!("token {id}: keep what follows, it is not shown again"));
    Ok(session.output.line(&token)?)
}

async fn list(mut session: Session) -> Result<(), Failure> {
    let answer = all(&session).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => {
            session.output.line(&table(&answer.rows("tokens")?, clock::wall_ms()))?
        }
    }
    Ok(())
}

async fn all(session: &Session) -> Result<Answer, Failure> {
    session.client.call(Request::new(Method::GET, TOKENS, About::Cluster)).await
}

async fn delete(mut session: Session, wanted: &str, yes: bool) -> Result<(), Failure> {
    let must_ask = must_ask(yes)?;
    let tokens: Vec<TokenView> = all(&session).await?.rows("tokens")?;
    let found = tokens.iter().find(|token| token.id == wanted || token.name == wanted).ok_or_else(|| {
        Failure::new(Exit::NotFound, "No such token", format!("none has the id or name `{wanted}`"))
            .ask("token list")
    })?;
    if must_ask {
        ask(&format!("Token {} ({}, user {}) is refused from now on.", found.id, found.name, found.user))?;
    }
    let path = format!("{TOKENS}/{}", utf8_percent_encode(&found.id, NON_ALPHANUMERIC));
    let answer = session.client.call(Request::new(Method::DELETE, path, About::Cluster)).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(&format!("deleted {}", found.id))?,
    }
    Ok(())
}

/// A line for each rule; what is the same as above is left out.
fn table(tokens: &[TokenView], now_ms: u64) -> String {
    let mut table = Table::new(&["ID", "NAME", "USER", "EXPIRES", "ALLOW"]);
    for token in tokens {
        let expires = token.expires_ms.map_or_else(|| "never".to_owned(), |ends_ms| left(ends_ms, now_ms));
        let first = [token.id.clone(), token.name.clone(), token.user.clone(), expires];
        for (at, rule) in token.allow.iter().enumerate() {
            let same = || " ".to_owned();
            let cells = first.iter().map(|cell| if at == 0 { cell.clone() } else { same() });
            table.row(cells.chain([rule.clone()]).collect());
        }
    }
    table.render()
}

/// What is left until a moment, in its largest unit.
fn left(ends_ms: u64, now_ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let left_ms = ends_ms.saturating_sub(now_ms);
    let unit = UNITS.iter().find(|(unit_ms, _)| left_ms >= *unit_ms);
    unit.map_or_else(|| "expired".to_owned(), |(unit_ms, name)| format!("in {}{name}", left_ms / unit_ms))
}

/// The token to show, as the value of `Authorization`: from the file, else from the variable.
///
/// # Errors
/// The file cannot be read, or what is there is no token.
pub(super) fn shown(file: Option<&Path>, variable: Option<OsString>) -> Result<Option<HeaderValue>, Failure> {
    let secret = match (file, variable) {
        (Some(file), _) => std::fs::read_to_string(file).map_err(|error| {
            Failure::usage("The token cannot be read", format!("{}: {error}", file.display()))
        })?,
        (None, Some(variable)) => variable.into_string().map_err(|_| no_token())?,
        (None, None) => return Ok(None),
    };
    header(&Secret::new(secret.trim())).map(Some)
}

fn header(secret: &Secret) -> Result<HeaderValue, Failure> {
    let fits = (1..=TOKEN_BYTES_MAX).contains(&secret.expose().len());
    let value = HeaderValue::from_str(&format!("Bearer {}", secret.expose())).ok().filter(|_| fits);
    let mut value = value.ok_or_else(no_token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn no_token() -> Failure {
    Failure::usage("This is no token", "a token is one line of letters, digits and signs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_comes_before_the_variable_and_neither_is_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from-file\n").unwrap();
        let both = shown(Some(file.path()), Some("from-variable".into())).unwrap().unwrap();
        assert_eq!(both.as_bytes(), b"Bearer from-file");
        assert!(!format!("{both:?}").contains("from-file"));
        let variable = shown(None, Some("from-variable".into())).unwrap().unwrap();
        assert_eq!(variable.as_bytes(), b"Bearer from-variable");
        assert!(shown(None, None).unwrap().is_none());
    }

    #[test]
    fn what_is_no_token_is_not_sent() {
        for bad in ["", " \n", "a\nb", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            let failure = shown(None, Some(bad.into())).err();
            assert!(failure.is_some_and(|failure| failure.exit == Exit::Usage), "{bad}");
        }
        assert!(shown(Some(Path::new("/nonexistent")), None).is_err());
    }

    #[test]
    fn a_token_of_several_rules_takes_several_lines() {
        let allow = vec!["read on default".into(), "metrics".into()];
        let token = TokenView {
            id: "1f".into(),
            name: "app".into(),
            user: "web".into(),
            allow,
            created_ms: 0,
            expires_ms: None,
        };
        let expected = "ID  NAME  USER  EXPIRES  ALLOW\n1f  app   web   never    read on default\n                         metrics\n";
        assert_eq!(table(&[token], 0), expected);
    }

    #[test]
    fn what_is_left_is_told_in_its_largest_unit() {
        let cases = [
            (0, "expired"),
            (999, "expired"),
            (1_000, "in 1s"),
            (7_200_000, "in 2h"),
            (172_800_000, "in 2d"),
        ];
        for (ends_ms, text) in cases {
            assert_eq!(left(5 + ends_ms, 5), text);
        }
    }
}
