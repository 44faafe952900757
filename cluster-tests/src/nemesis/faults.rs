//! Each kind of fault: whom it hits, what is done, and what undoes it.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::plan::{Kind, Planned};
use super::stage::{Begun, Stage, Undo};
use super::{members, starve};
use crate::disk::{Call, Failing, PowerLoss};
use crate::netns::link::{Conditions, Cut};
use crate::netns::partition::{Shape, pairs};
use crate::netns::weather::{CLIENTS, Links, describe};

/// Most calls that still succeed before a disk fails.
const GOOD_CALLS_MAX: u64 = 200;
/// Room a full disk still has, bytes.
const ROOM_MAX: u64 = 256 << 10;
/// Longest sync of a slow disk, ms.
const SLOW_SYNC_MS_MAX: u64 = 1500;
/// How far wall clocks step, s.
const STEPS_S: [i64; 6] = [1, 30, 600, 86_400, 30 * 86_400, 3 * 365 * 86_400];
/// The group that holds what the cluster knows of itself.
const META_GROUP: u64 = 0;
/// How far boot clocks are ahead of the machine's at most, s.
const BOOT_AHEAD_S_MAX: u32 = 10_000_000;

impl Stage<'_> {
    /// Begins a fault; `None` when nobody is there to be hit.
    pub(super) async fn fault(
        &mut self,
        number: u64,
        planned: &Planned,
        random: &mut StdRng,
    ) -> anyhow::Result<Option<Begun>> {
        match planned.kind {
            Kind::Kill | Kind::Power | Kind::Boot => self.kill(planned.kind, random).await,
            Kind::Pause => self.pause(random).await,
            Kind::Starve => self.starve(number, random).await,
            Kind::Rolling => self.terminate(planned.draw),
            Kind::Partition | Kind::Reset | Kind::Delay | Kind::Loss | Kind::Reorder | Kind::Narrow => {
                Ok(Some(self.network(number, planned.kind, random).await?))
            }
            Kind::SlowDisk | Kind::FullDisk => self.disk(planned.kind, random).await,
            Kind::FailingDisk => self.failing_disk(random).await,
            Kind::Wall => self.wall(random).await,
            Kind::Voter | Kind::Learner | Kind::Leader | Kind::Snapshot => {
                Ok(self.change(number, planned.kind, random).await)
            }
            Kind::Replace => self.leave(number, random).await,
        }
    }

    async fn kill(&mut self, kind: Kind, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let mut victims = self.free(random).await;
        let all = self.cluster.ids().len();
        let count = if kind == Kind::Boot { 1 } else { [1, 1, all / 2 + 1, all][random.random_range(0..4)] };
        victims.truncate(count);
        if victims.is_empty() {
            return Ok(None);
        }
        let how = if random.random() { PowerLoss::Dropped } else { PowerLoss::Torn };
        let power = (kind == Kind::Power).then_some(how);
        self.cluster.crash(&victims, power)?;
        if kind == Kind::Boot {
            for &id in &victims {
                self.cluster.set_boot_clock(id, random.random_range(0..BOOT_AHEAD_S_MAX))?;
            }
        }
        self.held.extend(&victims);
        let detail = power.map_or_else(String::new, |how| format!("{how:?}"));
        Ok(Some((victims.clone(), Undo::Start(victims), detail)))
    }

    /// The node at a place in a row, if no other fault holds it.
    fn terminate(&mut self, place: u64) -> anyhow::Result<Option<Begun>> {
        let ids = self.cluster.ids();
        let id = ids[place as usize % ids.len()];
        if !self.is_free(id) {
            return Ok(None);
        }
        self.cluster.ask_to_end(id)?;
        self.held.insert(id);
        Ok(Some((vec![id], Undo::Restart(id), String::new())))
    }

    async fn pause(&mut self, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let mut victims = self.free(random).await;
        victims.truncate(random.random_range(1..=self.cluster.ids().len()));
        if victims.is_empty() {
            return Ok(None);
        }
        victims.iter().try_for_each(|&id| self.cluster.pause(id))?;
        self.held.extend(&victims);
        Ok(Some((victims.clone(), Undo::Resume(victims), String::new())))
    }

    async fn starve(&mut self, number: u64, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let Some(&id) = self.free(random).await.first() else { return Ok(None) };
        let rest = Duration::from_millis(random.random_range(5..150));
        let tasks = self.starving.entry(number).or_default();
        tasks.spawn(starve::starve(self.cluster.pid(id)?, rest));
        self.held.insert(id);
        Ok(Some((vec![id], Undo::Resume(vec![id]), format!("stopped for {rest:?} at a time"))))
    }

    async fn network(&mut self, number: u64, kind: Kind, random: &mut StdRng) -> anyhow::Result<Begun> {
        let nodes = self.everyone(random).await;
        let mut shape = None;
        let links = if matches!(kind, Kind::Partition | Kind::Reset) {
            let drawn = *Shape::DRAWN.choose(random).unwrap_or(&Shape::Isolate);
            shape = Some(drawn);
            drawn.cuts(&nodes, random)
        } else {
            some_links(&nodes, random)
        };
        let conditions = conditions(kind, random);
        let shape = shape.map_or_else(String::new, |shape| format!("{shape:?}: "));
        let detail = format!("{shape}{conditions} on {}", describe(&links));
        let concerned =
            nodes.into_iter().filter(|node| links.iter().any(|(from, to)| from == node || to == node));
        let concerned = concerned.collect();
        self.cluster.network()?.weather(|weather| weather.put_on(number, links, conditions));
        Ok((concerned, Undo::Mend(number), detail))
    }

    async fn disk(&mut self, kind: Kind, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let mut victims = self.everyone(random).await;
        victims.truncate(if random.random_ratio(1, 3) { victims.len() } else { 1 });
        let sync = Duration::from_millis(random.random_range(5..SLOW_SYNC_MS_MAX));
        let room = random.random_range(0..ROOM_MAX);
        for &id in &victims {
            let disk = self.cluster.disk(id)?;
            let capacity = disk.used_bytes() + room;
            disk.fault(|faults| match kind {
                Kind::SlowDisk => faults.sync_extra = sync,
                _ => faults.capacity = Some(capacity),
            });
        }
        let detail = if kind == Kind::SlowDisk { format!("{sync:?}") } else { format!("{room} bytes left") };
        Ok(Some((victims.clone(), Undo::Disk(victims), detail)))
    }

    async fn failing_disk(&mut self, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let Some(&id) = self.free(random).await.first() else { return Ok(None) };
        let (call, detail) = match random.random_range(0..5) {
            0 | 1 => (Some(Call::Write), "write"),
            2 | 3 => (Some(Call::Sync), "sync"),
            _ => (None, "read-only"),
        };
        let after = random.random_range(0..GOOD_CALLS_MAX);
        let times = random.random_bool(0.5).then(|| random.random_range(1..3));
        self.cluster.disk(id)?.fault(|faults| match call {
            Some(call) => faults.failing = Some(Failing { call, path: "", after, times }),
            None => faults.read_only = true,
        });
        self.held.insert(id);
        Ok(Some((vec![id], Undo::FailedDisk(id), format!("{detail} after {after}"))))
    }

    async fn wall(&mut self, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let mut victims = self.everyone(random).await;
        victims.truncate(random.random_range(1..=victims.len()));
        let sign = if random.random() { 1 } else { -1 };
        let off_s = sign * STEPS_S.choose(random).unwrap_or(&1);
        victims.iter().try_for_each(|&id| self.cluster.step_wall(id, off_s))?;
        Ok(Some((victims.clone(), Undo::Wall(victims), format!("{off_s:+} s"))))
    }

    async fn change(&mut self, number: u64, kind: Kind, random: &mut StdRng) -> Option<Begun> {
        // The meta group's members are the cluster's own business.
        let meta = matches!(kind, Kind::Leader | Kind::Snapshot) && random.random_ratio(1, 4);
        let group = if meta { META_GROUP } else { *self.groups.choose(random)? };
        let nodes = self.everyone(random).await;
        let job = members::Job {
            number,
            kind,
            group,
            nodes: self.cluster.ids(),
            through: nodes.iter().filter_map(|&id| Some((id, self.cluster.http(id).ok()?))).collect(),
            die: random.random(),
            events: self.events.clone(),
        };
        self.jobs.spawn(job.run());
        Some((vec![], Undo::Itself, format!("group {group}")))
    }
}

/// All links, all of one node, or one in one direction.
fn some_links(nodes: &[u64], random: &mut StdRng) -> Links {
    let mut ends = nodes.to_vec();
    ends.push(CLIENTS);
    let one = nodes.first().copied().unwrap_or(CLIENTS);
    match random.random_range(0..4) {
        0 => pairs(&ends).collect(),
        1 => pairs(nodes).collect(),
        2 => pairs(&ends).filter(|(from, to)| *from == one || *to == one).collect(),
        _ => pairs(nodes).filter(|(from, _)| *from == one).take(1).collect(),
    }
}

fn conditions(kind: Kind, random: &mut StdRng) -> Conditions {
    let perfect = Conditions::default();
    let ms = |random: &mut StdRng, max| Duration::from_millis(random.random_range(0..max));
    match kind {
        Kind::Partition => Conditions::cut(Cut::Silent),
        Kind::Reset => Conditions::cut(Cut::Reset),
        Kind::Delay => Conditions { delay: ms(random, 250), jitter: ms(random, 250), ..perfect },
        Kind::Loss => Conditions { loss: random.random_range(0.01..0.4), ..perfect },
        Kind::Reorder => Conditions {
            reorder: random.random_range(0.0..0.5),
            duplicate: random.random_range(0.0..0.5),
            ..perfect
        },
        _ => Conditions { bytes_per_s: Some(random.random_range(2_000..200_000)), ..perfect },
    }
}
