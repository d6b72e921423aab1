//! An allocator for programs that are over in a moment.
//!
//! A hook makes some hundred small blocks and ends. In a general allocator half of its instructions
//! go into locks, and into joining blocks that nobody asks for again. [`Cached`] stands before such
//! an allocator: blocks up to [`LARGEST`] bytes are cut from chunks one behind the other, and come
//! back by their size, in the thread that freed them. The first chunk is part of the program, so that
//! a short run asks the system for no memory at all. Nothing small is ever given back, so that this
//! is no allocator for a service; what is larger goes straight to the one behind.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest block that is kept, in bytes.
pub const LARGEST: usize = 16 << 10;

/// Blocks begin at multiples of this, and blocks up to `FINE` bytes are made in steps of it.
const STEP: usize = 16;
/// Up to here sizes go up in steps, beyond they double.
const FINE: usize = 1 << 10;
const STEPS: usize = FINE / STEP;
const SIZES: usize = STEPS + (LARGEST / FINE).trailing_zeros() as usize;

/// What is taken from the allocator behind at once.
const CHUNK: usize = 128 << 10;

/// An allocator that keeps small blocks, before another one.
#[derive(Debug, Default)]
pub struct Cached<A>(pub A);

/// What one thread keeps.
struct Cache {
    /// The last block that was freed of each size, which holds the address of the one before.
    freed: [Cell<*mut u8>; SIZES],
    /// What is left of the chunk from which new blocks are cut.
    next: Cell<*mut u8>,
    left: Cell<usize>,
}

thread_local! {
    static CACHE: Cache = const {
        Cache {
            freed: [const { Cell::new(ptr::null_mut()) }; SIZES],
            next: Cell::new(ptr::null_mut()),
            left: Cell::new(0),
        }
    };
}

#[repr(align(4096))]
struct First(UnsafeCell<[u8; CHUNK]>);

// SAFETY: the one thread that finds `TAKEN` unset uses it, and nobody else does.
unsafe impl Sync for First {}

/// The first chunk; pages of it that are not used cost nothing.
static FIRST: First = First(UnsafeCell::new([0; CHUNK]));
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Returns the number of a size, and how many bytes a block of it has.
#[inline]
fn size_of(bytes: usize) -> (usize, usize) {
    if bytes <= FINE {
        let steps = bytes.div_ceil(STEP);
        (steps - 1, steps * STEP)
    } else {
        let block = bytes.next_power_of_two();
        (STEPS + (block / FINE).trailing_zeros() as usize - 1, block)
    }
}

#[inline]
fn is_kept(layout: Layout) -> bool {
    layout.size() <= LARGEST && layout.align() <= STEP && layout.size() > 0
}

impl Cache {
    /// Returns a block, or nothing where a chunk is needed first.
    #[inline]
    fn take(&self, bytes: usize) -> Option<NonNull<u8>> {
        let (size, block) = size_of(bytes);
        if let Some(freed) = NonNull::new(self.freed[size].get()) {
            // SAFETY: a block in the list holds the address of the next one, see `give`.
            self.freed[size].set(unsafe { freed.cast::<*mut u8>().read() });
            return Some(freed);
        }
        if block > self.left.get() {
            return None;
        }
        let found = self.next.get();
        // SAFETY: the chunk goes on for `left` bytes.
        self.next.set(unsafe { found.add(block) });
        self.left.set(self.left.get() - block);
        NonNull::new(found)
    }

    /// Keeps a block that is free.
    ///
    /// # Safety
    /// The block was made by `take` for as many bytes, and nobody uses it any more.
    #[inline]
    unsafe fn give(&self, found: *mut u8, bytes: usize) {
        let (size, block) = size_of(bytes);
        if found.wrapping_add(block) == self.next.get() {
            // The block that was cut last goes back to the chunk.
            self.next.set(found);
            self.left.set(self.left.get() + block);
            return;
        }
        // SAFETY: a block has at least `STEP` bytes and begins at a multiple of it.
        unsafe { found.cast::<*mut u8>().write(self.freed[size].get()) };
        self.freed[size].set(found);
    }

    /// Changes the size of a block where it stands; says whether that was possible.
    #[inline]
    fn resize(&self, found: *mut u8, old: usize, new: usize) -> bool {
        let ((_, old), (_, new)) = (size_of(old), size_of(new));
        if old == new {
            return true;
        }
        if found.wrapping_add(old) != self.next.get() || new > self.left.get() + old {
            return false;
        }
        self.next.set(found.wrapping_add(new));
        self.left.set(self.left.get() + old - new);
        true
    }
}

impl<A: GlobalAlloc> Cached<A> {
    /// Makes a block from a new chunk.
    #[cold]
    fn refill(&self, cache: &Cache, bytes: usize) -> *mut u8 {
        let chunk = if TAKEN.swap(true, Ordering::Relaxed) {
            // SAFETY: the layout is valid and not empty.
            unsafe { self.0.alloc(Layout::from_size_align_unchecked(CHUNK, STEP)) }
        } else {
            FIRST.0.get().cast()
        };
        if chunk.is_null() {
            return chunk;
        }
        // What was left of the chunk before is lost: less than one block.
        cache.next.set(chunk);
        cache.left.set(CHUNK);
        cache.take(bytes).map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}

// SAFETY: blocks are either of the allocator behind, by their layout alone, or cut from chunks that are
// never given back; a block is in use or in one list of one thread. `CACHE` needs no destructor, so that
// it is there until the thread ends and making it allocates nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Cached<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_kept(layout) {
            // SAFETY: as this was called.
            return unsafe { self.0.alloc(layout) };
        }
        CACHE.with(|cache| match cache.take(layout.size()) {
            Some(found) => found.as_ptr(),
            None => self.refill(cache, layout.size()),
        })
    }

    #[inline]
    unsafe fn dealloc(&self, found: *mut u8, layout: Layout) {
        if !is_kept(layout) {
            // SAFETY: as this was called; the block is of the allocator behind, since the layout is the same.
            return unsafe { self.0.dealloc(found, layout) };
        }
        // SAFETY: the block was made for this layout, and is not used any more.
        CACHE.with(|cache| unsafe { cache.give(found, layout.size()) });
    }

    #[inline]
    unsafe fn realloc(&self, found: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for the size, as rounded up to the alignment.
        let changed = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_kept(layout), is_kept(changed)) {
            // SAFETY: as this was called, and the block is of the allocator behind.
            (false, false) => return unsafe { self.0.realloc(found, layout, size) },
            (true, true) if CACHE.with(|cache| cache.resize(found, layout.size(), size)) => return found,
            _ => {}
        }
        // SAFETY: the blocks do not overlap, and each has at least the bytes that are copied.
        unsafe {
            let made = self.alloc(changed);
            if !made.is_null() {
                ptr::copy_nonoverlapping(found, made, layout.size().min(size));
                self.dealloc(found, layout);
            }
            made
        }
    }
}

#[cfg(test)]
mod tests;
