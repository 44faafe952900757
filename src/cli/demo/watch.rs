//! The live status line of a demo: nodes up, leaders, keys, writes a second. On a terminal only.

use std::time::Duration;

use hyper::Method;
use tokio::time::Instant;

use super::plan::Plan;
use crate::cli::client::{Client, Request};
use crate::cli::fail::About;
use crate::cli::output::{on_terminal, stderr};
use crate::cli::status;
use crate::tls::Dialer;
use crate::views::{ClusterView, GroupSummary, GroupView};

/// Counters of the writes a node acknowledged to its clients, in its metrics.
const WRITES_METRICS: [&str; 2] = [
    "quorate_http_requests_total{operation=\"write\",class=\"2xx\"}",
    "quorate_http_requests_total{operation=\"delete\",class=\"2xx\"}",
];
/// Up to this many groups have their leaders named.
const GROUPS_NAMED_MAX: usize = 12;

/// Whether a node says that it can serve.
pub(super) async fn is_ready(client: &Client) -> bool {
    client.call(Request::new(Method::GET, "/readyz", About::Cluster)).await.is_ok()
}

/// One line that is written over and over.
#[derive(Debug)]
pub(super) struct StatusLine {
    any: Client,
    each: Vec<Client>,
    shown: bool,
    last: Option<(Instant, u64)>,
}

impl StatusLine {
    /// A line about this demo.
    pub(super) fn new(plan: &Plan, timeout: Duration, tls: Option<Dialer>) -> Self {
        let endpoints: Vec<String> = plan.nodes.iter().map(|node| node.endpoint()).collect();
        let each = endpoints.iter().map(|e| Client::new(vec![e.clone()], timeout, tls.clone())).collect();
        Self { any: Client::new(endpoints, timeout, tls), each, shown: on_terminal(), last: None }
    }

    /// Asks the cluster and writes the line; nothing unless on a terminal.
    pub(super) async fn refresh(&mut self) {
        if !self.shown {
            return;
        }
        let cluster = self.cluster().await;
        let keys = self.keys().await;
        let rate = self.rate().await;
        stderr(&format!("\r\x1b[K{}", line(cluster.as_ref(), self.each.len(), keys, rate)));
    }

    /// Takes the line away to make room for another.
    pub(super) fn clear(&self) {
        if self.shown {
            stderr("\r\x1b[K");
        }
    }

    async fn cluster(&self) -> Option<ClusterView> {
        self.any.call(status::request()).await.ok()?.read().ok()
    }

    async fn keys(&self) -> Option<u64> {
        let request = Request::new(Method::GET, "/v1/cluster/groups", About::Cluster);
        let groups: Vec<GroupView> = self.any.call(request).await.ok()?.rows("groups").ok()?;
        // The meta group's entries are not the user's.
        Some(groups.iter().filter(|group| group.summary.id != 0).map(|group| group.items).sum())
    }

    /// Writes a second since the last look; none when a node restarted in between.
    async fn rate(&mut self) -> Option<f64> {
        let mut total = None;
        for client in &self.each {
            let answer = client.call(Request::new(Method::GET, "/metrics", About::Cluster)).await;
            let writes = answer.ok().and_then(|answer| counter(&String::from_utf8_lossy(&answer.body)));
            total = total.into_iter().chain(writes).reduce(|a, b| a + b);
        }
        let now = Instant::now();
        let last = std::mem::replace(&mut self.last, total.map(|total| (now, total)));
        let ((then, before), total) = (last?, total?);
        let writes = total.checked_sub(before)?;
        Some(writes as f64 / (now - then).as_secs_f64())
    }
}

/// The sum of the counters of writes in Prometheus text.
fn counter(metrics: &str) -> Option<u64> {
    let value = |line: &str| {
        WRITES_METRICS.iter().find_map(|name| line.strip_prefix(name))?.trim().parse::<u64>().ok()
    };
    metrics.lines().filter_map(value).reduce(|a, b| a + b)
}

fn line(cluster: Option<&ClusterView>, nodes: usize, keys: Option<u64>, rate: Option<f64>) -> String {
    let Some(cluster) = cluster else { return "no node answers".into() };
    let mut line = format!("{}/{nodes} nodes up   {}", cluster.health.nodes_up, leaders(&cluster.groups));
    if let Some(keys) = keys {
        line += &format!("   {keys} keys");
    }
    if let Some(rate) = rate {
        line += &format!("   {rate:.0} writes/s");
    }
    line
}

/// `leaders 0:1 1:2 2:-`, or a count when there are many groups.
fn leaders(groups: &[GroupSummary]) -> String {
    if groups.len() > GROUPS_NAMED_MAX {
        let led = groups.iter().filter(|group| group.leader.is_some()).count();
        return format!("{led}/{} groups led", groups.len());
    }
    let leader = |g: &GroupSummary| g.leader.map_or("-".into(), |leader| leader.to_string());
    let named: Vec<String> = groups.iter().map(|g| format!("{}:{}", g.id, leader(g))).collect();
    format!("leaders {}", named.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::HealthView;

    #[test]
    fn successful_writes_and_deletes_are_summed() {
        let text = "# TYPE quorate_http_requests_total counter\n\
                    quorate_http_requests_total{operation=\"read\",class=\"2xx\"} 9\n\
                    quorate_http_requests_total{operation=\"write\",class=\"2xx\"} 3\n\
                    quorate_http_requests_total{operation=\"write\",class=\"5xx\"} 9\n\
                    quorate_http_requests_total{operation=\"delete\",class=\"2xx\"} 4\n";
        assert_eq!(counter(text), Some(7));
        assert_eq!(counter("other 1\n"), None);
    }

    #[test]
    fn the_line_says_what_is_known() {
        let group = |id, leader| GroupSummary {
            id,
            leader,
            term: 1,
            voters: vec![1],
            learners: Vec::new(),
            slots: 0,
        };
        let cluster = ClusterView {
            cluster_id: "c".into(),
            epoch: 1,
            nodes: Vec::new(),
            groups: vec![group(0, Some(1)), group(1, None)],
            slots: Vec::new(),
            health: HealthView { nodes_up: 2, groups_ok: 1, slots_served: 0 },
        };
        let text = line(Some(&cluster), 3, Some(5), Some(12.4));
        assert_eq!(text, "2/3 nodes up   leaders 0:1 1:-   5 keys   12 writes/s");
        assert_eq!(line(Some(&cluster), 3, None, None), "2/3 nodes up   leaders 0:1 1:-");
        assert_eq!(line(None, 3, None, None), "no node answers");
    }
}
