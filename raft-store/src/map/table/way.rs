//! Ways through a table's tree: all leaves in order, from the first or from a hash on.

use std::slice;

use super::node::Node;
use super::{Branch, Child};
use crate::map::hash::{KeyHash, KeyRef};
use crate::map::leaf::Leaf;

/// The way down a tree: at each level what is still to come.
pub(super) type Way<'a> = Vec<slice::Iter<'a, Child>>;

/// The leaves that are still to come, in order.
pub(super) fn leaves_behind(mut way: Way<'_>) -> impl Iterator<Item = &Leaf> {
    std::iter::from_fn(move || {
        loop {
            match way.last_mut()?.next() {
                Some(Child { node: Node::Leaf(leaf), .. }) => return Some(leaf),
                Some(Child { node: Node::Branch(branch), .. }) => way.push(branch.children.iter()),
                None => drop(way.pop()),
            }
        }
    })
}

impl Branch {
    /// The way to the leaf where entries with this hash begin, if there are any.
    pub(super) fn path_to(&self, hash: KeyHash) -> Way<'_> {
        let (mut way, mut branch) = (Vec::new(), self);
        loop {
            let children = &branch.children[branch.child_of(hash, KeyRef::FIRST)..];
            match children {
                [Child { node: Node::Branch(below), .. }, behind @ ..] => {
                    way.push(behind.iter());
                    branch = below;
                }
                leaves => {
                    way.push(leaves.iter());
                    return way;
                }
            }
        }
    }
}
