//! The Redis protocol over real connections: order, bounds, transactions, redirections, stop.

mod bounds;
mod hostile;
mod many;
mod pipelines;
mod redirects;
mod sessions;
mod stop;
mod transactions;
