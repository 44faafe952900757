//! Files and directories by number, and what is left of all of them when the power goes. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use rand::Rng;
use rand::rngs::StdRng;
use rustix::io::Errno;

use super::content::{Content, Fate};
use super::names::{Inode, Names};

/// The top directory.
pub(super) const ROOT: Inode = 1;
/// Sectors of a page: what the kernel writes at once, if it can.
const PAGE_SECTORS: usize = 8;

/// A file or a directory.
#[derive(Debug)]
pub(super) enum Node {
    File(Content),
    Directory(Names),
}

/// How the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerLoss {
    /// Nothing that was not synced reached the disk.
    Dropped,
    /// A random part of it did: sectors or whole pages in no order, of names the first few changes.
    Torn,
}

/// All files and directories.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<Inode, Node>,
    /// Where each was last seen, relative to the top.
    paths: BTreeMap<Inode, PathBuf>,
    /// How often each is open.
    open: BTreeMap<Inode, u64>,
    next: Inode,
}

impl Tree {
    pub(super) fn new() -> Self {
        let nodes = BTreeMap::from([(ROOT, Node::Directory(Names::default()))]);
        let paths = BTreeMap::from([(ROOT, PathBuf::new())]);
        Self { nodes, paths, open: BTreeMap::new(), next: ROOT + 1 }
    }

    pub(super) fn node(&self, inode: Inode) -> Result<&Node, Errno> {
        self.nodes.get(&inode).ok_or(Errno::NOENT)
    }

    pub(super) fn file(&self, inode: Inode) -> Result<&Content, Errno> {
        match self.node(inode)? {
            Node::File(content) => Ok(content),
            Node::Directory(_) => Err(Errno::ISDIR),
        }
    }

    pub(super) fn file_mut(&mut self, inode: Inode) -> Result<&mut Content, Errno> {
        match self.nodes.get_mut(&inode).ok_or(Errno::NOENT)? {
            Node::File(content) => Ok(content),
            Node::Directory(_) => Err(Errno::ISDIR),
        }
    }

    pub(super) fn directory(&self, inode: Inode) -> Result<&Names, Errno> {
        match self.node(inode)? {
            Node::Directory(names) => Ok(names),
            Node::File(_) => Err(Errno::NOTDIR),
        }
    }

    fn directory_mut(&mut self, inode: Inode) -> Result<&mut Names, Errno> {
        match self.nodes.get_mut(&inode).ok_or(Errno::NOENT)? {
            Node::Directory(names) => Ok(names),
            Node::File(_) => Err(Errno::NOTDIR),
        }
    }

    pub(super) fn path(&self, inode: Inode) -> PathBuf {
        self.paths.get(&inode).cloned().unwrap_or_default()
    }

    pub(super) fn lookup(&self, parent: Inode, name: &OsStr) -> Result<Inode, Errno> {
        self.directory(parent)?.now().get(name).copied().ok_or(Errno::NOENT)
    }

    /// The inode of a path relative to the top.
    pub(super) fn resolve(&self, path: &Path) -> Result<Inode, Errno> {
        path.components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .try_fold(ROOT, |at, part| self.lookup(at, part.as_os_str()))
    }

    pub(super) fn create(&mut self, parent: Inode, name: &OsStr, node: Node) -> Result<Inode, Errno> {
        if self.directory(parent)?.now().contains_key(name) {
            return Err(Errno::EXIST);
        }
        let inode = self.next;
        self.next += 1;
        self.nodes.insert(inode, node);
        self.paths.insert(inode, self.path(parent).join(name));
        self.directory_mut(parent)?.put(name, inode);
        Ok(inode)
    }

    /// Gives a file one more name.
    pub(super) fn link(&mut self, inode: Inode, parent: Inode, name: &OsStr) -> Result<(), Errno> {
        self.file(inode)?;
        if self.directory(parent)?.now().contains_key(name) {
            return Err(Errno::EXIST);
        }
        self.directory_mut(parent)?.put(name, inode);
        Ok(())
    }

    /// Removes a file, or a directory if it is empty.
    pub(super) fn remove(&mut self, parent: Inode, name: &OsStr) -> Result<(), Errno> {
        let inode = self.lookup(parent, name)?;
        if matches!(self.node(inode)?, Node::Directory(names) if !names.now().is_empty()) {
            return Err(Errno::NOTEMPTY);
        }
        self.directory_mut(parent)?.remove(name);
        Ok(())
    }

    /// Renames within one directory; between two it is as between two file systems.
    pub(super) fn rename(&mut self, from: (Inode, &OsStr), to: (Inode, &OsStr)) -> Result<(), Errno> {
        if from.0 != to.0 {
            return Err(Errno::XDEV);
        }
        let inode = self.lookup(from.0, from.1)?;
        let path = self.path(from.0).join(to.1);
        self.directory_mut(from.0)?.rename(from.1, to.1);
        self.paths.insert(inode, path);
        Ok(())
    }

    pub(super) fn opened(&mut self, inode: Inode) {
        *self.open.entry(inode).or_default() += 1;
    }

    pub(super) fn closed(&mut self, inode: Inode) {
        if let Some(count) = self.open.get_mut(&inode) {
            *count -= 1;
        }
        self.open.retain(|_, count| *count > 0);
        self.forget();
    }

    pub(super) fn begin_sync(&mut self, inode: Inode) -> Result<u64, Errno> {
        match self.nodes.get_mut(&inode).ok_or(Errno::NOENT)? {
            Node::File(content) => Ok(content.begin_sync()),
            Node::Directory(names) => Ok(names.begin_sync()),
        }
    }

    pub(super) fn end_sync(&mut self, inode: Inode, ticket: u64) {
        match self.nodes.get_mut(&inode) {
            Some(Node::File(content)) => content.end_sync(ticket),
            Some(Node::Directory(names)) => names.end_sync(ticket),
            None => {}
        }
        self.forget();
    }

    /// Names whose sync failed stay as they were, to be synced by a later one: a journal is written in order.
    pub(super) fn fail_sync(&mut self, inode: Inode, ticket: u64) {
        if let Some(Node::File(content)) = self.nodes.get_mut(&inode) {
            content.fail_sync(ticket);
        }
    }

    /// Bytes of all files that have a name or are open.
    pub(super) fn used_bytes(&self) -> u64 {
        let named: BTreeSet<_> = self.names().flat_map(|names| names.now().values()).collect();
        let held = |inode: &Inode| named.contains(inode) || self.open.contains_key(inode);
        let files = self.nodes.iter().filter(|(inode, _)| held(inode));
        files.map(|(_, node)| if let Node::File(file) = node { file.bytes().len() as u64 } else { 0 }).sum()
    }

    /// Every file, by path: its length and its bytes that are not on disk.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, (usize, usize)> {
        let mut found = BTreeMap::new();
        let mut directories = vec![(PathBuf::new(), ROOT)];
        while let Some((path, inode)) = directories.pop() {
            for (name, inode) in self.directory(inode).iter().flat_map(|names| names.now()) {
                match self.nodes.get(inode) {
                    Some(Node::File(file)) => {
                        found.insert(path.join(name), (file.bytes().len(), file.unsynced_bytes()));
                    }
                    Some(Node::Directory(_)) => directories.push((path.join(name), *inode)),
                    None => {}
                }
            }
        }
        found
    }

    /// The power goes, with every program that had anything open.
    pub(super) fn lose_power(&mut self, how: PowerLoss, random: &mut StdRng) {
        for node in self.nodes.values_mut() {
            match (node, how) {
                (Node::File(content), _) => content.lose_power(&mut Coins::new(how, random)),
                (Node::Directory(names), PowerLoss::Dropped) => names.lose_power(0),
                (Node::Directory(names), PowerLoss::Torn) => {
                    names.lose_power(random.random_range(0..=names.pending()));
                }
            }
        }
        self.forget();
    }

    fn names(&self) -> impl Iterator<Item = &Names> {
        self.nodes
            .values()
            .filter_map(|node| if let Node::Directory(names) = node { Some(names) } else { None })
    }

    /// Gives up what has no name, on disk neither, and is not open.
    fn forget(&mut self) {
        let mut needed: BTreeSet<Inode> = self.names().flat_map(Names::referenced).collect();
        needed.extend(self.open.keys());
        needed.insert(ROOT);
        self.nodes.retain(|inode, _| needed.contains(inode));
        self.paths.retain(|inode, _| needed.contains(inode));
    }
}

/// Tosses a coin for each sector, or for each page, of one file.
struct Coins<'a> {
    random: &'a mut StdRng,
    chance: f64,
    unit: usize,
    tossed: BTreeMap<usize, bool>,
}

impl<'a> Coins<'a> {
    fn new(how: PowerLoss, random: &'a mut StdRng) -> Self {
        let chance = if how == PowerLoss::Dropped { 0.0 } else { random.random_range(0..=4) as f64 / 4.0 };
        let unit = if random.random() { 1 } else { PAGE_SECTORS };
        Self { random, chance, unit, tossed: BTreeMap::new() }
    }
}

impl Fate for Coins<'_> {
    fn keeps(&mut self, sector: usize) -> bool {
        *self.tossed.entry(sector / self.unit).or_insert_with(|| self.random.random_bool(self.chance))
    }

    fn keeps_length(&mut self) -> bool {
        self.random.random_bool(self.chance)
    }
}
