//! The HTTP JSON API: parse, call the node, answer. Holds no logic and never names openraft.
