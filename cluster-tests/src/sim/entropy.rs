//! The randomness of the standard library, from the seed while a simulation runs on this thread.
//!
//! The order of a `HashMap` and tokio's choice among the branches of a `select!` come from keys that the standard
//! library draws once for each thread with `getrandom`. It finds that function by name when the program is linked, so a function
//! of that name here takes its place (as mad-turmoil does). A simulation runs on a thread of its own, which has drawn
//! no keys yet. On every other thread this is the system call.
//!
//! The one file of this project with `unsafe`: a function of C's calling convention is given a pointer and a length.

use std::cell::RefCell;
use std::ffi::{c_uint, c_void};

use rand::RngCore;
use rand::rngs::StdRng;

use super::seed::Seed;

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// While this lives, this thread's randomness comes from a seed.
#[derive(Debug)]
pub struct Seeded(());

impl Seeded {
    /// Begins. To be called once, first thing on a fresh thread.
    pub fn begin(seed: Seed) -> Self {
        SEEDED.set(Some(seed.stream("entropy")));
        Self(())
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        SEEDED.set(None);
    }
}

/// Fills from the seed; `false`: no simulation runs on this thread.
fn fill(bytes: &mut [u8]) -> bool {
    let seeded = |random: &RefCell<Option<StdRng>>| match random.borrow_mut().as_mut() {
        Some(random) => {
            random.fill_bytes(bytes);
            true
        }
        None => false,
    };
    // While a thread ends its values are gone already.
    SEEDED.try_with(seeded).unwrap_or(false)
}

/// Takes the place of the C library's function of this name: fills `buffer` with `length` random bytes and returns
/// how many those are, or -1.
///
/// # Safety
/// `buffer` points to `length` bytes that nobody else uses meanwhile.
#[allow(unsafe_code, reason = "the standard library finds its source of randomness by its C name only")]
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
    if buffer.is_null() {
        return if length == 0 { 0 } else { -1 };
    }
    // SAFETY: the caller vouches for pointer and length; zeroed first, so that no byte is read uninitialised.
    let bytes = unsafe {
        buffer.cast::<u8>().write_bytes(0, length);
        std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length)
    };
    if fill(bytes) {
        return length.cast_signed();
    }
    match rustix::rand::getrandom(bytes, rustix::rand::GetRandomFlags::from_bits_retain(flags)) {
        Ok(filled) => filled.cast_signed(),
        Err(_) => -1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn order(seed: Option<u64>) -> Vec<u32> {
        let work = move || {
            let _seeded = seed.map(|seed| Seeded::begin(Seed(seed)));
            let map: HashMap<u32, ()> = (0..64).map(|number| (number, ())).collect();
            map.into_keys().collect()
        };
        std::thread::spawn(work).join().unwrap()
    }

    #[test]
    fn hash_maps_are_in_the_order_of_the_seed_and_only_then() {
        assert_eq!(order(Some(1)), order(Some(1)));
        assert_ne!(order(Some(1)), order(Some(2)));
        assert_ne!(order(None), order(None), "without a simulation it is the system's");
    }
}
