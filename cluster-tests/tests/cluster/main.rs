//! Tests of Quorate with real processes: faults, members, deadlines, the command line.
//!
//! One at a time (`cluster_tests::cluster::turn`). How to run one and read a failure: `cluster-tests/README.md`.

mod cli;
mod crash;
mod demo;
mod expiry;
mod failover;
mod members;
mod nemesis;
mod quorum;
mod reads;
mod resp;
mod snapshots;
mod support;
mod tls;
mod workloads;
