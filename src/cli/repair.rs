//! `quorate repair`: what to do about a node whose log is damaged. Works on its folder, while it does not run.
//!
//! Such a node is replaced, never mended: `node::lost` says why. This puts the folder out of the way and tells which
//! commands take the node out of the cluster and bring another in.

use std::path::PathBuf;

use super::confirm::{ask, must_ask};
use super::fail::{Exit, Failure, quote};
use super::output::Output;
use crate::node::lost::{LostNode, aside_of, examine, set_aside};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the node that does not start
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Examines the folder and, if the node is lost, sets it aside.
pub(super) fn run(args: &Args, mut output: Output) -> Result<(), Failure> {
    let Some(lost) = examine(&args.data_dir).map_err(failed)? else {
        output.line(
            "The log is whole: start the node. A damaged snapshot is replaced from the other nodes by itself.",
        )?;
        return Ok(());
    };
    let aside = aside_of(&args.data_dir).map_err(failed)?;
    if must_ask(args.yes)? {
        ask(&format!("{}\n{} is moved to {}.", verdict(&lost), args.data_dir.display(), aside.display()))?;
    }
    let aside = set_aside(&args.data_dir).map_err(failed)?;
    output.line(&next_steps(&lost, args, &aside.display().to_string()))?;
    Ok(())
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Error, "The folder was not repaired", format!("{error:#}"))
        .hint("quorate repair --help")
}

fn verdict(lost: &LostNode) -> String {
    format!("Node {} cannot come back: {}.", lost.node, lost.lost)
}

/// The commands that replace the node, in their order.
fn next_steps(lost: &LostNode, args: &Args, aside: &str) -> String {
    let (node, new) = (lost.node, lost.peers.keys().copied().chain([lost.node]).max().unwrap_or(0) + 1);
    let seeds: Vec<&str> = lost.peers.values().map(String::as_str).collect();
    let dir = quote(&args.data_dir.display().to_string());
    let seeds = if seeds.is_empty() { "HOST:PORT".to_owned() } else { quote(&seeds.join(",")) };
    format!(
        "{verdict}\nIts folder is now {aside}.\n\n\
         1. Take it out, asking any running node:\n\
         \x20  quorate --endpoint HOST:PORT member remove {node}\n\
         2. Start its successor, here or on another machine:\n\
         \x20  quorate serve --id {new} --data-dir {dir} --seeds {seeds}\n\
         3. For each group that node {node} was in:\n\
         \x20  quorate --endpoint HOST:PORT group add-voter GROUP {new}\n\n\
         {new} stands for an id that this cluster never used; {node} is never used again.",
        verdict = verdict(lost),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::node::lost::LostLog;

    #[test]
    fn the_next_steps_name_the_lost_node_an_unused_id_and_the_others() {
        let peers = BTreeMap::from([(1, "a:7170".to_owned()), (7, "c:7170".to_owned())]);
        let lost = LostLog { dir: "data/log".into(), why: "3.wal is damaged at byte 512".into() };
        let lost = LostNode { node: 2, peers, lost };
        let args = Args { data_dir: "data".into(), yes: true };
        let steps = next_steps(&lost, &args, "data.damaged-1");
        for expected in [
            "3.wal is damaged at byte 512",
            "member remove 2\n",
            "serve --id 8 --data-dir data --seeds a:7170,c:7170\n",
            "group add-voter GROUP 8\n",
        ] {
            assert!(steps.contains(expected), "{expected} is not in\n{steps}");
        }
    }
}
