//! Which links are cut by partitions of every shape.

use rand::Rng;
use rand::seq::SliceRandom;

use super::weather::{CLIENTS, End, Links};

/// The shape of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One node is cut off from all others; clients reach everybody.
    Isolate,
    /// One node is cut off from all others and from clients.
    Vanish,
    /// Two sides that cannot speak to each other.
    Halves,
    /// What one node sends to others does not arrive; it hears everything.
    Mute,
    /// One node hears nothing of others; what it sends arrives.
    Deaf,
    /// Two sides that only one node can speak with.
    Bridge,
    /// Everybody speaks with the two neighbours in a ring only.
    Ring,
    /// Each link is cut one way or the other, or not at all, at random.
    Random,
    /// Clients cannot reach one node; nodes reach each other.
    Clients,
}

impl Shape {
    /// All of them, those that leave a leader alone with its clients more often.
    pub const DRAWN: [Self; 13] = [
        Self::Isolate,
        Self::Isolate,
        Self::Isolate,
        Self::Halves,
        Self::Halves,
        Self::Vanish,
        Self::Mute,
        Self::Deaf,
        Self::Bridge,
        Self::Ring,
        Self::Random,
        Self::Clients,
        Self::Vanish,
    ];

    /// The links it cuts between `nodes`; the first of them is the one it is about.
    pub fn cuts(self, nodes: &[End], random: &mut impl Rng) -> Links {
        let Some((&one, others)) = nodes.split_first() else { return Links::new() };
        let to_others = || others.iter().map(move |&other| (one, other));
        let swapped = |(from, to)| (to, from);
        match self {
            Self::Isolate => both_ways(to_others()),
            Self::Vanish => both_ways(to_others().chain([(one, CLIENTS)])),
            Self::Mute => to_others().collect(),
            Self::Deaf => to_others().map(swapped).collect(),
            Self::Clients => both_ways([(one, CLIENTS)].into_iter()),
            Self::Halves => between(&nodes[..nodes.len().div_ceil(2)], &nodes[nodes.len().div_ceil(2)..]),
            Self::Bridge => between(&others[..others.len().div_ceil(2)], &others[others.len().div_ceil(2)..]),
            Self::Ring => ring(nodes, random),
            Self::Random => pairs(nodes).filter(|_| random.random_ratio(1, 3)).collect(),
        }
    }
}

/// Every directed link between nodes.
pub fn pairs(nodes: &[End]) -> impl Iterator<Item = (End, End)> {
    nodes
        .iter()
        .flat_map(move |&from| nodes.iter().map(move |&to| (from, to)))
        .filter(|(from, to)| from != to)
}

fn both_ways(links: impl Iterator<Item = (End, End)>) -> Links {
    links.flat_map(|(from, to)| [(from, to), (to, from)]).collect()
}

fn between(left: &[End], right: &[End]) -> Links {
    both_ways(left.iter().flat_map(|&from| right.iter().map(move |&to| (from, to))))
}

fn ring(nodes: &[End], random: &mut impl Rng) -> Links {
    let mut order = nodes.to_vec();
    order.shuffle(random);
    let next = |at: usize| order[(at + 1) % order.len()];
    let kept = both_ways((0..order.len()).map(|at| (order[at], next(at))));
    pairs(nodes).filter(|link| !kept.contains(link)).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn cuts(shape: Shape, nodes: &[End]) -> Links {
        shape.cuts(nodes, &mut StdRng::seed_from_u64(3))
    }

    #[test]
    fn shapes_cut_what_their_names_say() {
        assert_eq!(cuts(Shape::Isolate, &[2, 1, 3]), Links::from([(2, 1), (1, 2), (2, 3), (3, 2)]));
        assert_eq!(cuts(Shape::Mute, &[2, 1, 3]), Links::from([(2, 1), (2, 3)]));
        assert_eq!(cuts(Shape::Deaf, &[2, 1, 3]), Links::from([(1, 2), (3, 2)]));
        assert_eq!(cuts(Shape::Clients, &[2, 1, 3]), Links::from([(2, CLIENTS), (CLIENTS, 2)]));
        assert_eq!(cuts(Shape::Vanish, &[2, 1]), Links::from([(2, 1), (1, 2), (2, 0), (0, 2)]));
        assert_eq!(cuts(Shape::Halves, &[1, 2, 3, 4]).len(), 8);
        assert!(cuts(Shape::Random, &[1, 2, 3, 4]).len() < 12);
    }

    #[test]
    fn a_bridge_hears_all_while_its_sides_do_not_hear_each_other() {
        let cut = cuts(Shape::Bridge, &[5, 1, 2, 3, 4]);
        assert_eq!(cut.len(), 8);
        assert!(cut.iter().all(|(from, to)| *from != 5 && *to != 5));
    }

    #[test]
    fn in_a_ring_everybody_keeps_two_neighbours() {
        let cut = cuts(Shape::Ring, &[1, 2, 3, 4, 5]);
        for node in 1..=5 {
            assert_eq!(cut.iter().filter(|(from, _)| *from == node).count(), 2);
            assert_eq!(cut.iter().filter(|(_, to)| *to == node).count(), 2);
        }
    }
}
