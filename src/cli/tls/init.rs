//! `quorate tls init`: an authority, a certificate for each node, one for a client, and what to type next.

use super::folder::Folder;
use super::{AUTHORITY_DAYS, InitArgs, failed, for_days, hosts};
use crate::cli::fail::{Failure, quote};
use crate::random;
use crate::tls::authority::{Authority, Purpose};

/// Who signs, as certificates show it.
const AUTHORITY_NAME: &str = "Quorate development CA";
/// The name of the client.
const CLIENT: &str = "client";

/// Makes them; what to tell the user.
pub(super) fn run(args: &InitArgs) -> Result<String, Failure> {
    let nodes: Vec<String> = (1..=args.nodes).map(|id| format!("node-{id}")).collect();
    let names = [nodes.as_slice(), &[CLIENT.to_owned()]].concat();
    let folder = Folder::create(&args.dir)?;
    folder.refuse_existing(&names)?;
    // A name of its own, so that a certificate of another authority is said to be just that.
    let name = format!("{AUTHORITY_NAME} {:016x}", random::bits64());
    let authority = Authority::new(&name, for_days(AUTHORITY_DAYS)).map_err(failed)?;
    let validity = for_days(args.days);
    let mut issued = Vec::new();
    for name in &nodes {
        let made = authority.issue(name, &hosts(name, &args.hosts), Purpose::Node, validity);
        issued.push((name.as_str(), made.map_err(failed)?));
    }
    issued.push((CLIENT, authority.issue(CLIENT, &[], Purpose::Client, validity).map_err(failed)?));
    folder.write_authority(&authority)?;
    issued.iter().try_for_each(|(name, made)| folder.write(name, made))?;
    Ok(next(&folder, &nodes, args))
}

fn next(folder: &Folder, nodes: &[String], args: &InitArgs) -> String {
    let file = |path: std::path::PathBuf| quote(&path.display().to_string());
    let ca = file(folder.authority_cert());
    let (first, last) = (&nodes[0], &nodes[nodes.len() - 1]);
    let made = if nodes.len() == 1 { first.clone() } else { format!("{first} to {last}") };
    format!(
        "Made an authority, and certificates for {made} and for a client, in {dir}. They hold for {days} days.\n\n\
         Start every node with its own:\n\
         \x20 quorate serve --tls-cert {cert} --tls-key {key} --tls-ca {ca} …\n\n\
         Speak to it:\n\
         \x20 quorate --endpoint https://localhost:7070 --ca-file {ca} status\n\
         \x20 curl --cacert {ca} https://localhost:7070/livez\n\
         \x20 redis-cli --tls --cacert {ca} -p 7270 ping\n\n\
         Keep ca.key away from the nodes: who has it can pass for any of them.",
        dir = args.dir.display(),
        days = args.days,
        cert = file(folder.cert(first)),
        key = file(folder.key(first)),
    )
}
