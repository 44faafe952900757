//! What is at which path: one file for each tag.

mod cluster;
mod entries;
mod groups;
mod node;
mod several;
mod tokens;

use super::document::Document;

/// The parts of the API, with what they are for.
pub(super) const TAGS: [(&str, &str); 5] = [
    ("entries", "Single entries, as JSON or as bytes; many at once; transactions; the keys of a namespace"),
    ("cluster", "The cluster, its nodes and the progress of long operations"),
    ("groups", "The Raft groups: voters, learners, leaders, snapshots"),
    ("tokens", "Who may do what"),
    ("node", "One node: health, figures, its log, this description"),
];

/// Describes every route.
pub(super) fn add(document: &mut Document) {
    entries::add(document);
    several::add(document);
    cluster::add(document);
    groups::add(document);
    tokens::add(document);
    node::add(document);
}
