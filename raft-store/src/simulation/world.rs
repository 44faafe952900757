//! The world a thread is in.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

/// A simulated machine: what real code asks the system for, but for disks and network.
pub trait World {
    /// Nanoseconds since it started, suspended time included; never goes back.
    fn boot_ns(&self) -> u64;
    /// How long it has been suspended since it started, ms.
    fn suspended_ms(&self) -> u64;
    /// Its wall clock, ms since 1970; may step.
    fn wall_ms(&self) -> u64;
    /// Random bits.
    fn random_u64(&self) -> u64;
}

thread_local! {
    /// The worlds entered on this thread, the present one last.
    static WORLDS: RefCell<Vec<Rc<dyn World>>> = const { RefCell::new(Vec::new()) };
}

/// Leaves the world again when dropped.
#[must_use = "the world is left when this is dropped"]
pub struct Entered {
    /// How many worlds were entered before.
    depth: usize,
    /// What is entered on one thread is left on the same.
    _here: PhantomData<*const ()>,
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entered({})", self.depth)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Whatever was entered since is left too, should it be dropped out of order. The worlds themselves are
        // dropped once nothing is borrowed: they may ask for the world they are in.
        let left = WORLDS.with_borrow_mut(|worlds| {
            let depth = self.depth.min(worlds.len());
            worlds.split_off(depth)
        });
        drop(left);
    }
}

/// Makes `world` the one this thread is in until the guard is dropped; worlds nest.
pub fn enter(world: Rc<dyn World>) -> Entered {
    let depth = WORLDS.with_borrow_mut(|worlds| {
        worlds.push(world);
        worlds.len() - 1
    });
    Entered { depth, _here: PhantomData }
}

/// The world this thread is in; `None`: the real one.
pub fn world() -> Option<Rc<dyn World>> {
    WORLDS.with_borrow(|worlds| worlds.last().cloned())
}

#[cfg(test)]
mod tests {
    use super::super::fixed::Fixed;
    use super::*;

    fn here() -> Option<u64> {
        world().map(|world| world.boot_ns())
    }

    #[test]
    fn worlds_nest_and_end_with_their_guards_on_their_thread() {
        assert_eq!(here(), None);
        let outer = enter(Rc::new(Fixed(1)));
        let inner = enter(Rc::new(Fixed(2)));
        assert_eq!(here(), Some(2));
        assert_eq!(std::thread::spawn(here).join().unwrap(), None, "other threads are in the real one");
        drop(inner);
        assert_eq!(here(), Some(1));
        drop(outer);
        assert_eq!(here(), None);
    }

    #[test]
    fn guards_dropped_out_of_order_leave_no_world_behind() {
        let outer = enter(Rc::new(Fixed(1)));
        let inner = enter(Rc::new(Fixed(2)));
        drop(outer);
        assert_eq!(here(), None);
        drop(inner);
        assert_eq!(here(), None);
    }
}
