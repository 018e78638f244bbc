//! How much a test has allocated and not freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static TIMES: Cell<u64> = const { Cell::new(0) };
}

/// The allocator of a test binary that wants to know: each thread counts for itself.
#[derive(Debug)]
pub struct Counted;

/// Bytes that this thread has allocated and not freed. What C libraries allocate does not count.
#[must_use]
pub fn live() -> usize {
    LIVE.get()
}

/// How often this thread has asked for memory.
#[must_use]
pub fn times() -> u64 {
    TIMES.get()
}

fn count(more: usize, less: usize) {
    TIMES.set(TIMES.get() + u64::from(more > 0));
    // Freed by another thread than allocated it: then neither knows exactly.
    LIVE.set(LIVE.get().wrapping_add(more).wrapping_sub(less));
}

// SAFETY: all is left to the system's allocator, and counting neither allocates nor panics.
#[expect(unsafe_code, reason = "there is no other way to count allocations")]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on, here and below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }
}
