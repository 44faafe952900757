//! Seeded bugs between openraft and the store.

use std::collections::BTreeMap;

use super::types::Membership;

/// The configuration that goes to the log: of a removal the last one at once, with the bug.
pub(super) fn stored(config: Membership) -> Membership {
    match &config.get_joint_config()[..] {
        [old, new] if mutant!(RemoveWithoutJoint) && new.is_subset(old) => {
            let nodes: BTreeMap<_, _> = config.nodes().map(|(&id, node)| (id, node.clone())).collect();
            Membership::new(vec![new.clone()], nodes).unwrap_or_else(|_| config.clone())
        }
        _ => config,
    }
}
