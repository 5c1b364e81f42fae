//! Reading a request's path and judging it cost no allocation: a hit has nothing to pay for.

// A global allocator cannot be written without `unsafe`; this one only counts and passes on.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tower_goproxy::policy::{Rule, Rules};
use tower_goproxy::{Resource, Target};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: both methods pass their arguments on to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn parsing_a_path_without_percent_signs_allocates_nothing() {
    let count = allocations(|| {
        let target = Target::parse("/github.com/!burnt!sushi/toml/@v/v1.0.0.zip");
        let Ok(Some(target)) = target else {
            panic!("a zip");
        };
        assert_eq!(target.resource(), Resource::Zip);
        assert!(
            target
                .module()
                .elements()
                .eq(["github.com", "!burnt!sushi", "toml"])
        );
        assert_eq!(
            target.version().map(|version| version.is_pseudo()),
            Some(false)
        );
    });
    assert_eq!(count, 0);
}

#[test]
fn a_verdict_of_rules_allocates_nothing() {
    let text = "-\n+ github.com/BurntSushi\n- github.com/BurntSushi/toml ~v1.2.3,v2,<v0.5.0\n";
    let Ok(rules) = Rules::parse(text) else {
        panic!("rules");
    };
    let path = "/github.com/!burnt!sushi/toml/@v/v1.2.9-!r!c1.zip";
    let Ok(Some(target)) = Target::parse(path) else {
        panic!("a zip");
    };
    let count = allocations(|| assert_eq!(rules.rule_for(&target), Rule::Exclude));
    assert_eq!(count, 0);
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
}
