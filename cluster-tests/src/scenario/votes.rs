//! A vote that was shown is on disk.

use std::time::Duration;

use super::{SERVED, Scene};
use crate::cluster::Cluster;
use crate::crash::votes::Votes;
use crate::disk::PowerLoss;
use crate::{admin, wait};

/// How long a sync takes: a vote shown before its sync is lost with near certainty.
const SYNC_SLOW: Duration = Duration::from_millis(150);
/// How often it is tried.
const TIMES: u32 = 2;

/// The leader dies; as soon as one of the others shows a new term, both lose power. What they showed must still
/// be there when they are back.
pub(super) async fn kept(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let mut votes = Votes::default();
    for _ in 0..TIMES {
        scene.goes_on().await?;
        let leader = admin::leader(cluster, scene.group).await?;
        look(cluster, scene.group, &mut votes).await;
        let before = votes.highest_term();
        for id in cluster.ids() {
            cluster.disk(id)?.fault(|faults| faults.sync_min = SYNC_SLOW);
        }
        cluster.crash(&[leader], None)?;
        wait::until("a vote in a new term", SERVED, async || {
            look(cluster, scene.group, &mut votes).await;
            (votes.highest_term() > before).then_some(())
        })
        .await?;
        let others: Vec<u64> = cluster.endpoints().into_iter().map(|(id, _)| id).collect();
        cluster.crash(&others, Some(PowerLoss::Dropped))?;
        for id in cluster.ids() {
            cluster.disk(id)?.fault(|faults| faults.sync_min = Duration::ZERO);
            cluster.start(id)?;
        }
        wait::until("every node shows its vote", SERVED, async || {
            (look(cluster, scene.group, &mut votes).await == cluster.ids().len()).then_some(())
        })
        .await?;
        votes.verdict()?;
        cluster.ready().await?;
    }
    Ok(())
}

/// Takes in what every running node shows of the group; how many did.
async fn look(cluster: &Cluster, group: u64, votes: &mut Votes) -> usize {
    let mut shown = 0;
    for (id, node) in cluster.endpoints() {
        if let Ok(view) = admin::vote(node, group).await {
            votes.saw(id, &view.summary);
            shown += 1;
        }
    }
    shown
}
