//! One Raft group on this node: the only layer that calls openraft.
