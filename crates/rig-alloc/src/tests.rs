use std::alloc::System;
use std::thread;

use super::*;

static ALLOCATOR: Cached<System> = Cached(System);

/// A block that knows what it holds.
struct Held {
    at: *mut u8,
    layout: Layout,
    byte: u8,
}

// SAFETY: nobody else uses the block.
unsafe impl Send for Held {}

impl Held {
    fn new(size: usize, align: usize, byte: u8) -> Self {
        let layout = Layout::from_size_align(size, align).unwrap();
        // SAFETY: the layout is not empty, and the block has as many bytes.
        let at = unsafe {
            let at = ALLOCATOR.alloc(layout);
            assert!(!at.is_null() && at.addr().is_multiple_of(align), "{layout:?}");
            at.write_bytes(byte, size);
            at
        };
        Self { at, layout, byte }
    }

    #[track_caller]
    fn check(&self) {
        // SAFETY: the block has as many bytes, all of them written.
        let bytes = unsafe { std::slice::from_raw_parts(self.at, self.layout.size()) };
        assert!(bytes.iter().all(|byte| *byte == self.byte), "{:?} was overwritten", self.layout);
    }

    fn resize(mut self, size: usize) -> Self {
        self.check();
        let kept = self.layout.size().min(size);
        // SAFETY: the block is of this layout, and has `size` bytes afterwards.
        unsafe {
            self.at = ALLOCATOR.realloc(self.at, self.layout, size);
            assert!(self.at.addr().is_multiple_of(self.layout.align()));
            let bytes = std::slice::from_raw_parts(self.at, kept);
            assert!(bytes.iter().all(|byte| *byte == self.byte));
            self.at.write_bytes(self.byte, size);
        }
        self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
        self
    }

    fn free(self) {
        self.check();
        // SAFETY: the block is of this layout, and is not used any more.
        unsafe { ALLOCATOR.dealloc(self.at, self.layout) };
    }
}

/// Makes, changes and frees blocks at random, and returns those that are left.
fn churn(seed: u64, rounds: usize, mut held: Vec<Held>) -> Vec<Held> {
    let mut state = seed;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..rounds {
        let largest = [40, 300, 2_000, 40_000][random(4)];
        let size = 1 + random(largest);
        match random(5) {
            0 | 1 if held.len() < 300 => {
                let align = [1, 8, 16, 64][random(4)];
                held.push(Held::new(size, align, u8::try_from(round % 251).unwrap()));
            }
            0..=2 if !held.is_empty() => {
                let at = random(held.len());
                let changed = held.swap_remove(at).resize(size);
                held.push(changed);
            }
            _ if !held.is_empty() => {
                let at = random(held.len());
                held.swap_remove(at).free();
            }
            _ => {}
        }
    }
    held.iter().for_each(Held::check);
    held
}

const ROUNDS: usize = if cfg!(miri) { 300 } else { 20_000 };

#[test]
fn no_block_overlaps_another() {
    churn(7, ROUNDS, Vec::new()).into_iter().for_each(Held::free);
}

#[test]
fn blocks_may_be_freed_in_another_thread() {
    let mut held = Vec::new();
    for seed in 0..4 {
        held = thread::spawn(move || churn(seed, ROUNDS / 4, held)).join().unwrap();
    }
    let threads: Vec<_> =
        (0..3).map(|seed| thread::spawn(move || churn(seed, ROUNDS / 4, Vec::new()))).collect();
    for thread in threads {
        held.extend(thread.join().unwrap());
    }
    held.into_iter().for_each(Held::free);
}

#[test]
fn a_block_that_was_freed_comes_back_for_the_same_size() {
    for size in [1, 16, 17, 1_024, 1_025, LARGEST] {
        let (first, second) = (Held::new(size, 8, 1), Held::new(size, 8, 2));
        let freed = first.at;
        first.free();
        let third = Held::new(size, 8, 3);
        assert_eq!(third.at, freed, "{size}");
        second.free();
        third.free();
    }
}

#[test]
fn the_block_that_was_made_last_grows_where_it_stands() {
    let held = Held::new(8, 1, 1);
    let at = held.at;
    let held = held.resize(500).resize(3_000).resize(5);
    assert_eq!(held.at, at);
    held.free();
}

#[test]
fn each_size_has_a_number_of_its_own() {
    let mut before = (0, 16);
    assert_eq!(size_of(1), before);
    for bytes in 2..=LARGEST {
        let (size, block) = size_of(bytes);
        assert!(block >= bytes && size < SIZES, "{bytes}");
        assert!((size, block) == before || size == before.0 + 1 && before.1 == bytes - 1, "{bytes}");
        before = (size, block);
    }
    assert_eq!(before.0 + 1, SIZES);
}
