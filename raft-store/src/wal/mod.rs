//! The shared write-ahead log of all groups of a node.
