//! Random numbers for openraft, from the world if there is one.

use std::convert::Infallible;

use rand_core::TryRng;

use super::world;

/// A generator: the world's, or outside of one that of the thread.
#[derive(Debug)]
pub struct Random<R>(R);

impl<R> Random<R> {
    /// Draws from `real` outside a world.
    pub fn or(real: R) -> Self {
        Self(real)
    }
}

impl<R: TryRng<Error = Infallible>> TryRng for Random<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        match world() {
            Some(world) => Ok((world.random_u64() >> 32) as u32),
            None => self.0.try_next_u32(),
        }
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        world().map_or_else(|| self.0.try_next_u64(), |world| Ok(world.random_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let Some(world) = world() else { return self.0.try_fill_bytes(bytes) };
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&world.random_u64().to_le_bytes()[..part.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use rand_core::Rng as _;

    use super::super::{Fixed, enter};
    use crate::raft::Runtime;

    #[test]
    fn openraft_draws_from_the_world_it_is_in() {
        let draw = || {
            let mut random = Runtime::random();
            let mut bytes = [0; 3];
            random.fill_bytes(&mut bytes);
            (random.next_u32(), random.next_u64(), bytes)
        };
        assert_ne!(draw().1, draw().1);
        let _world = enter(Rc::new(Fixed(0x0102_0304_0506_0708)));
        assert_eq!(draw(), (0x0102_0304, 0x0102_0304_0506_0708, [8, 7, 6]));
    }
}
