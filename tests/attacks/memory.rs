//! An allocator that counts, per thread, what is live and what was live at most.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, with a tally.
pub struct Counting;

// SAFETY: every call is handed on unchanged; the tally allocates nothing and is not touched once its thread is gone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count(bytes: isize) {
    let live = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        live.get()
    });
    let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.unwrap_or_default())));
}

/// What this thread has allocated since the meter was started.
pub struct Meter(isize);

impl Meter {
    pub fn start() -> Self {
        let live = LIVE.get();
        PEAK.set(live);
        Self(live)
    }

    /// Bytes that are live now, beyond those at the start.
    pub fn live(&self) -> isize {
        LIVE.get() - self.0
    }

    /// The most that was live since the start.
    pub fn peak(&self) -> isize {
        PEAK.get() - self.0
    }
}

#[test]
fn the_meter_sees_what_lives_and_what_lived() {
    let meter = Meter::start();
    let kept = vec![0u8; 1000];
    drop(vec![0u8; 5000]);
    assert_eq!((meter.live(), meter.peak()), (1000, 6000));
    drop(kept);
    assert_eq!(meter.live(), 0);
    std::thread::spawn(|| vec![0u8; 1 << 20]).join().unwrap();
    // The vector was freed by this thread, the bill is the other's.
    assert!(meter.live() < 0);
}
