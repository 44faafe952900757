//! Snapshots in sled: the only file that names sled.
