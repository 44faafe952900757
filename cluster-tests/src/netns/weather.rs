//! All that is wrong with a network at the moment: layers of links and their conditions, put on and taken off one by
//! one, so that faults may overlap and end in any order.

use std::collections::{BTreeMap, BTreeSet};

use super::link::Conditions;

/// One end of a link: a node's id, or [`CLIENTS`].
pub type End = u64;

/// The end at which clients are.
pub const CLIENTS: End = 0;

/// Directed links: from, to.
pub type Links = BTreeSet<(End, End)>;

/// Links in a few words: `1→2 2↔3`, clients being `c`.
pub fn describe(links: &Links) -> String {
    let end = |end: End| if end == CLIENTS { "c".to_owned() } else { end.to_string() };
    let words = links.iter().filter_map(|&(from, to)| match links.contains(&(to, from)) {
        true if from < to => Some(format!("{}↔{}", end(from), end(to))),
        true => None,
        false => Some(format!("{}→{}", end(from), end(to))),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What is wrong; by default nothing.
#[derive(Debug, Default)]
pub struct Weather {
    layers: BTreeMap<u64, (Links, Conditions)>,
    /// All layers together, for links on which anything is wrong.
    effective: BTreeMap<(End, End), Conditions>,
}

impl Weather {
    /// Puts a layer on, under a name of the caller's; one of the same name is replaced.
    pub fn put_on(&mut self, name: u64, links: Links, conditions: Conditions) {
        self.layers.insert(name, (links, conditions));
        self.add_up();
    }

    /// Takes a layer off, if it is there.
    pub fn take_off(&mut self, name: u64) {
        self.layers.remove(&name);
        self.add_up();
    }

    /// Takes all off.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How a link is.
    pub fn of(&self, from: End, to: End) -> Conditions {
        self.effective.get(&(from, to)).copied().unwrap_or_default()
    }

    fn add_up(&mut self) {
        self.effective.clear();
        for (links, conditions) in self.layers.values() {
            for link in links {
                let sum = self.effective.entry(*link).or_default();
                *sum = sum.and(*conditions);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::Cut;
    use super::*;

    #[test]
    fn links_are_told_in_few_words() {
        assert_eq!(describe(&Links::from([(1, 2), (2, 1), (3, 1), (0, 2)])), "c→2 1↔2 3→1");
    }

    #[test]
    fn layers_overlap_and_come_off_in_any_order() {
        let mut weather = Weather::default();
        let lossy = Conditions { loss: 0.1, ..Conditions::default() };
        weather.put_on(1, Links::from([(1, 2), (2, 1)]), Conditions::cut(Cut::Silent));
        weather.put_on(2, Links::from([(1, 2)]), lossy);
        assert_eq!(weather.of(1, 2), Conditions { cut: Cut::Silent, ..lossy });
        assert_eq!(weather.of(2, 1), Conditions::cut(Cut::Silent));
        assert_eq!(weather.of(1, 3), Conditions::default());
        weather.take_off(1);
        assert_eq!(weather.of(1, 2), lossy);
        assert_eq!(weather.of(2, 1), Conditions::default());
        weather.clear();
        assert_eq!(weather.of(1, 2), Conditions::default());
    }
}
