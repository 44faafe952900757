//! How far the replicas of the groups led here are, and how many voters could still be lost.
//!
//! Only a leader knows, so only its node shows them: labels are bounded by the groups and replicas there are.

use std::sync::Arc;

use super::Exposition;
use crate::group::{Group, ReplicaStanding, Standing};

pub(super) fn metrics(groups: &[Arc<Group>], text: &mut Exposition) {
    let led: Vec<(u32, Standing)> =
        groups.iter().filter_map(|group| Some((group.id(), group.standing()?))).collect();
    let of =
        |value: fn(&Standing) -> usize| led.iter().map(move |(group, standing)| (*group, value(standing)));
    let voters = of(|standing| standing.voters);
    text.each("quorate_group_voters", "gauge", "Voters, where the group is led.", "group", voters);
    let healthy = of(|standing| standing.healthy);
    let help = "Voters that acknowledged a heartbeat just now, where the group is led.";
    text.each("quorate_group_voters_healthy", "gauge", help, "group", healthy);
    let lag = each_replica(&led, |replica| Some(replica.lag));
    text.labelled(
        "quorate_group_replica_lag_entries",
        "gauge",
        "Entries a replica is behind its leader's log.",
        lag,
    );
    let silence = each_replica(&led, |replica| Some(replica.acked_ago?.as_secs_f64()));
    let help = "Time since the leader sent the newest heartbeat that the replica acknowledged.";
    text.labelled("quorate_group_replica_ack_age_seconds", "gauge", help, silence);
}

fn each_replica<V>(
    led: &[(u32, Standing)],
    value: impl Fn(&ReplicaStanding) -> Option<V>,
) -> Vec<(String, V)> {
    let of = |(group, standing): &(u32, Standing)| {
        let labels = |node| format!("group=\"{group}\",peer=\"{node}\"");
        let named = |replica: &ReplicaStanding| Some((labels(replica.node), value(replica)?));
        standing.replicas.iter().filter_map(named).collect::<Vec<_>>()
    };
    led.iter().flat_map(of).collect()
}
