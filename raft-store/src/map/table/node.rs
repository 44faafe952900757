//! What a branch has below it: a leaf, or another branch.

use std::sync::Arc;

use super::{Branch, CHILDREN_MAX};
use crate::map::hash::{KeyHash, KeyRef};
use crate::map::leaf::Leaf;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Leaf(Leaf),
    Branch(Arc<Branch>),
}

impl Node {
    /// Entries of a leaf, children of a branch.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.count(),
            Self::Branch(branch) => branch.children.len(),
        }
    }

    /// What decides whether it is split or joined: bytes of a leaf's page, children of a branch.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.page_bytes(),
            Self::Branch(branch) => branch.children.len(),
        }
    }

    pub(super) fn first(&self) -> (KeyHash, KeyRef<'_>) {
        match self {
            Self::Leaf(leaf) => leaf.first(),
            Self::Branch(branch) => (branch.children[0].hash, branch.children[0].node.first().1),
        }
    }

    pub(super) fn is_too_long(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.is_too_long(),
            Self::Branch(branch) => branch.children.len() > CHILDREN_MAX,
        }
    }

    pub(super) fn split(&mut self) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(leaf.split()),
            Self::Branch(branch) => {
                let children = Arc::make_mut(branch).children.split_off(CHILDREN_MAX / 2);
                Self::Branch(Arc::new(Branch { children }))
            }
        }
    }

    pub(super) fn fits_with(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Leaf(left), Self::Leaf(right)) => left.fits_with(right),
            (left, right) => left.len() + right.len() <= CHILDREN_MAX / 2,
        }
    }

    pub(super) fn join(&mut self, next: &Self) {
        match (self, next) {
            (Self::Leaf(left), Self::Leaf(right)) => left.join(right),
            (Self::Branch(left), Self::Branch(right)) => {
                Arc::make_mut(left).children.extend_from_slice(&right.children);
            }
            _ => unreachable!("neighbours are equally deep"),
        }
    }
}
