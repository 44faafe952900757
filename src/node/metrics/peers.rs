//! How the other nodes seem to be. Labels are bounded by the nodes of the cluster.

use super::Exposition;
use crate::transport::{PeerState, Transport};

pub(super) fn metrics(transport: &Transport, text: &mut Exposition) {
    let all = transport.healths();
    let states = all.iter().map(|(peer, health)| (*peer, number(health.state)));
    let help = "How a node seems to be: 0 alive, 1 suspect, 2 down.";
    text.each("quorate_peer_state", "gauge", help, "peer", states);
    let lasts = all.iter().map(|(peer, health)| (*peer, health.lasts().as_secs_f64()));
    let help = "How long it has been in that state.";
    text.each("quorate_peer_state_seconds", "gauge", help, "peer", lasts);
}

fn number(state: PeerState) -> u8 {
    match state {
        PeerState::Alive => 0,
        PeerState::Suspect => 1,
        PeerState::Down => 2,
    }
}
