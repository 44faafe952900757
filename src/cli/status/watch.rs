//! `quorate status --watch`: the cluster as it changes. On a terminal the tables are drawn anew; otherwise a line is
//! written for each change, so that a log of it can be read later.

use std::io::IsTerminal as _;
use std::time::Duration;

use super::{render, request};
use crate::cli::fail::Failure;
use crate::cli::output::Format;
use crate::cli::session::Session;
use crate::views::{ClusterView, GroupSummary, NodeView};

/// Pause between two looks at the cluster.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// To the terminal: cursor to the first column of the first line, and nothing below it.
const REDRAW: &str = "\x1b[H\x1b[2J";

/// Shows the cluster until the process is ended, or its reader is gone.
pub(super) async fn run(mut session: Session) -> Result<(), Failure> {
    let redraw = std::io::stdout().is_terminal() && session.output.format == Format::Table;
    let mut before: Option<Sight> = None;
    while !session.output.closed {
        let now = look(&session).await;
        if redraw {
            session.output.line(&format!("{REDRAW}{}", now.drawn()))?;
        } else {
            for line in now.since(before.as_ref(), session.output.format) {
                session.output.line(&line)?;
            }
        }
        before = Some(now);
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
    Ok(())
}

async fn look(session: &Session) -> Sight {
    let answer = match session.client.call(request()).await {
        Ok(answer) => answer.read(),
        Err(failure) => Err(failure),
    };
    answer.map_or_else(|failure| Sight::Nothing(why(&failure)), |seen| Sight::Cluster(Box::new(seen)))
}

fn why(failure: &Failure) -> String {
    format!("{}: {}", failure.title, failure.detail)
}

/// What one look showed.
enum Sight {
    Cluster(Box<ClusterView>),
    /// Nobody answered; why.
    Nothing(String),
}

impl Sight {
    fn drawn(&self) -> String {
        match self {
            Self::Cluster(cluster) => render(cluster),
            Self::Nothing(why) => format!("NO ANSWER  {why}\n"),
        }
    }

    /// What is worth a line: all in short at first, then what differs from `before`. As JSON the whole of it, when
    /// anything differs.
    fn since(&self, before: Option<&Self>, format: Format) -> Vec<String> {
        let lines = match (before, self) {
            (Some(Self::Nothing(_)), Self::Nothing(_)) => Vec::new(),
            (_, Self::Nothing(why)) => vec![format!("no answer: {why}")],
            (Some(Self::Cluster(before)), Self::Cluster(now)) => changes(before, now),
            (_, Self::Cluster(now)) => vec![summary(now)],
        };
        match (format, self) {
            (Format::Json, _) if lines.is_empty() => lines,
            (Format::Json, Self::Cluster(now)) => {
                vec![serde_json::to_string(now).expect("a view is plain data")]
            }
            (Format::Json, Self::Nothing(why)) => vec![serde_json::json!({ "no_answer": why }).to_string()],
            (Format::Table | Format::Raw, _) => lines,
        }
    }
}

fn summary(cluster: &ClusterView) -> String {
    render(cluster).lines().next().unwrap_or_default().to_owned()
}

/// What differs between two views, a line each; sizes and counts, which always move, are left out.
fn changes(before: &ClusterView, now: &ClusterView) -> Vec<String> {
    let mut lines = Vec::new();
    if before.epoch != now.epoch {
        lines.push(format!("slot table: epoch {} -> {}", before.epoch, now.epoch));
    }
    each(&mut lines, "node", &before.nodes, &now.nodes, |node| node.id, node);
    each(&mut lines, "group", &before.groups, &now.groups, |group| u64::from(group.id), group);
    lines
}

/// Compares things by their id: those that came, went or are told differently.
fn each<T>(
    lines: &mut Vec<String>,
    what: &str,
    before: &[T],
    now: &[T],
    id: impl Fn(&T) -> u64,
    told: impl Fn(&T) -> String,
) {
    for thing in now {
        let new = told(thing);
        match before.iter().find(|old| id(old) == id(thing)).map(&told) {
            Some(old) if old == new => {}
            Some(old) => lines.push(format!("{what} {}: {old} -> {new}", id(thing))),
            None => lines.push(format!("{what} {}: new, {new}", id(thing))),
        }
    }
    let gone = before.iter().filter(|old| !now.iter().any(|thing| id(thing) == id(old)));
    lines.extend(gone.map(|old| format!("{what} {}: gone", id(old))));
}

fn node(node: &NodeView) -> String {
    let version = if node.version.is_empty() { String::new() } else { format!(" {}", node.version) };
    format!("{}{version}", super::state(node))
}

fn group(group: &GroupSummary) -> String {
    let leader = group.leader.map_or("no leader".to_owned(), |leader| format!("leader {leader}"));
    let mut told = format!("{leader} term {} voters {}", group.term, super::ids(&group.voters));
    if !group.learners.is_empty() {
        told += &format!(" learners {}", super::ids(&group.learners));
    }
    // The meta group holds no client's keys.
    if group.id != 0 {
        told += &format!(" slots {}", group.slots);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::tests::cluster;
    use super::*;

    fn seen(change: impl FnOnce(&mut ClusterView)) -> Sight {
        let mut view = cluster();
        change(&mut view);
        Sight::Cluster(Box::new(view))
    }

    fn lines(before: &Sight, now: &Sight) -> Vec<String> {
        now.since(Some(before), Format::Table)
    }

    #[test]
    fn the_first_line_is_the_health_of_all() {
        let first = seen(|_| {}).since(None, Format::Table);
        assert_eq!(first, ["CLUSTER  demo  epoch 4   3 nodes up   3 groups ok   16384/16384 slots served"]);
    }

    #[test]
    fn each_change_is_a_line_and_sizes_are_none() {
        let before = seen(|_| {});
        assert_eq!(lines(&before, &seen(|c| c.nodes[0].memory_bytes += 1)), Vec::<String>::new());
        let now = seen(|c| {
            c.epoch = 5;
            c.nodes[1].state = "active".into();
            c.groups[1].leader = Some(2);
            c.groups[1].term = 3;
            c.groups.remove(0);
        });
        assert_eq!(
            lines(&before, &now),
            [
                "slot table: epoch 4 -> 5",
                "node 2: down -> active",
                "group 1: no leader term 2 voters 1,2,3 slots 16384 -> leader 2 term 3 voters 1,2,3 slots 16384",
                "group 0: gone",
            ]
        );
    }

    #[test]
    fn silence_is_told_once_and_its_end_as_well() {
        let (silent, seen) = (Sight::Nothing("No node could be reached".into()), seen(|_| {}));
        assert_eq!(lines(&seen, &silent), ["no answer: No node could be reached"]);
        assert_eq!(lines(&silent, &Sight::Nothing("other".into())), Vec::<String>::new());
        assert!(lines(&silent, &seen)[0].starts_with("CLUSTER  demo"));
        let json = seen.since(Some(&silent), Format::Json);
        assert!(json.len() == 1 && json[0].starts_with(r#"{"cluster_id":"demo""#), "{json:?}");
    }
}
