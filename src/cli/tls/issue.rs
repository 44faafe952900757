//! `quorate tls issue` and `quorate tls renew`: more certificates of an authority that is there.

use super::folder::{Folder, read};
use super::{IssueArgs, RenewArgs, failed, for_days, hosts};
use crate::cli::fail::Failure;
use crate::tls::authority::Purpose;
use crate::tls::certificate::{Certificate, date};

/// Makes one more; what to tell the user.
pub(super) fn issue(args: &IssueArgs) -> Result<String, Failure> {
    let folder = Folder::open(&args.dir);
    refuse_path(&args.name)?;
    folder.refuse_one(&args.name)?;
    let authority = folder.authority()?;
    let (purpose, hosts) = match args.client {
        true => (Purpose::Client, Vec::new()),
        false => (Purpose::Node, hosts(&args.name, &args.hosts)),
    };
    let issued = authority.issue(&args.name, &hosts, purpose, for_days(args.days)).map_err(failed)?;
    folder.write(&args.name, &issued)?;
    Ok(format!("Wrote {} and {}", folder.cert(&args.name).display(), folder.key(&args.name).display()))
}

/// Gives some a new time; what to tell the user.
pub(super) fn renew(args: &RenewArgs) -> Result<String, Failure> {
    let folder = Folder::open(&args.dir);
    let authority = folder.authority()?;
    let validity = for_days(args.days);
    let mut told = Vec::new();
    for name in &args.names {
        refuse_path(name)?;
        let old = Certificate::all(read(&folder.cert(name))?.as_bytes()).map_err(failed)?;
        let old = &old[0];
        if old.authority {
            return Err(failed(format!(
                "{name} is the authority: nodes must first believe the next, beside it"
            )));
        }
        let purpose = if old.serves { Purpose::Node } else { Purpose::Client };
        let subject = old.subject.strip_prefix("CN=").unwrap_or(name);
        let renewed = authority.renew(&read(&folder.key(name))?, subject, &old.names, purpose, validity);
        folder.replace(name, &renewed.map_err(failed)?)?;
        told.push(format!("{name} holds until {}", date(validity.not_after_s as i64)));
    }
    Ok(told.join("\n"))
}

/// A name is the name of files in the folder, nowhere else.
fn refuse_path(name: &str) -> Result<(), Failure> {
    match name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
        true => Err(Failure::usage("That cannot be a name", format!("{name:?} is no name of a file"))),
        false => Ok(()),
    }
}
