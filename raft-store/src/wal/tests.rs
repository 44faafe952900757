//! The log as a whole: driven by hand on the faulty disk (`crash`, `damage`, `full`, `space`, `stall`), and as its users
//! hold it, with its threads, on a real one (`shared`).

mod after;
mod crash;
mod damage;
mod fixture;
mod full;
mod rig;
mod shared;
mod space;
mod stall;
mod stepped;
