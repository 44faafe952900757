//! `quorate tls show`: what certificates say.

use serde_json::json;

use super::ShowArgs;
use super::folder::read;
use crate::cli::fail::{Exit, Failure};
use crate::cli::output::Format;
use crate::clock::wall_ms;
use crate::tls::certificate::{Certificate, date};

/// Every certificate of the files.
pub(super) fn run(args: &ShowArgs, format: Format) -> Result<String, Failure> {
    let mut all = Vec::new();
    for file in &args.files {
        let shown = file.display().to_string();
        let found = Certificate::all(read(file)?.as_bytes()).map_err(|error| {
            Failure::new(Exit::Error, "That is no certificate", format!("{shown}: {error}"))
        })?;
        all.extend(found.into_iter().map(|certificate| (shown.clone(), certificate)));
    }
    let now_s = (wall_ms() / 1000) as i64;
    Ok(match format {
        Format::Json => {
            json!({ "certificates": all.iter().map(|(f, c)| as_json(f, c)).collect::<Vec<_>>() }).to_string()
        }
        _ => all
            .iter()
            .map(|(file, certificate)| block(file, certificate, now_s))
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

fn as_json(file: &str, certificate: &Certificate) -> serde_json::Value {
    json!({
        "file": file,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": certificate.names,
        "authority": certificate.authority,
        "node": certificate.serves && !certificate.authority,
        "not_before_ms": certificate.not_before_s * 1000,
        "not_after_ms": certificate.not_after_s * 1000,
    })
}

pub(super) fn block(file: &str, certificate: &Certificate, now_s: i64) -> String {
    let left = certificate.not_after_s - now_s;
    let left = match left {
        ..=0 => "EXPIRED".to_owned(),
        left => format!("{} days left", left / 86_400),
    };
    let (names, kind) = match (certificate.authority, certificate.serves) {
        (true, _) => ("-".to_owned(), "an authority"),
        (false, true) => (certificate.names.join(", "), "a node or server"),
        (false, false) => ("-".to_owned(), "a client"),
    };
    format!(
        "{file}\n  subject    {}\n  issuer     {}\n  for        {kind}\n  names      {names}\n  not after  {} ({left})\n",
        certificate.subject,
        certificate.issuer,
        date(certificate.not_after_s),
    )
}
