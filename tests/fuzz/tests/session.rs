//! A million steps of the session's world, by dice that always fall the same way.

use arbitrary::{Arbitrary, Unstructured};
use fuzz::session::{Manners, Step, play};

/// xorshift: enough to get everywhere.
struct Dice(u64);

impl Dice {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count)
            .map(|_| {
                self.0 ^= self.0 << 13;
                self.0 ^= self.0 >> 7;
                self.0 ^= self.0 << 17;
                (self.0 >> 32) as u8
            })
            .collect()
    }

    fn roll<T: for<'a> Arbitrary<'a>>(&mut self) -> T {
        let bytes = self.bytes(16);
        T::arbitrary(&mut Unstructured::new(&bytes)).expect("sixteen bytes are enough")
    }

    /// A step; those that end a session are seldom enough for it to get somewhere.
    fn step(&mut self) -> Step {
        loop {
            let step: Step = self.roll();
            let ends = match step {
                Step::PollsTwice | Step::Aborts | Step::ServerCloses | Step::ClientCloses => true,
                Step::Breaks(_) | Step::Babbles(_) | Step::PassesUntilDue => true,
                _ => false,
            };
            if !ends || self.bytes(1)[0] < 8 {
                return step;
            }
        }
    }
}

#[test]
fn a_million_steps() {
    let mut dice = Dice(0x5eed_0f_d1ce);
    for _ in 0..1000 {
        let (manners, steps): (Manners, Vec<Step>) =
            (dice.roll(), (0..1000).map(|_| dice.step()).collect());
        play(manners, steps);
    }
}
