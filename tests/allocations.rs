//! Reading a request's path, judging it, and passing it on cost no allocation.

// A global allocator cannot be written without `unsafe`; this one only counts and passes on.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer as _, Service as _, service_fn};
use tower_goproxy::filter::FilterLayer;
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
fn a_capital_that_is_percent_encoded_costs_one_and_what_asks_for_no_module_costs_none() {
    for (path, expected) in [
        ("/github.com/%21burnt%21sushi/toml/@v/v1.0.0.zip", 1),
        ("/search/a%20b%2Fc", 0),
    ] {
        let count = allocations(|| assert!(Target::parse(path).is_ok()));
        assert_eq!(count, expected, "{path}");
    }
}

/// Of the one that answers there is one, so that the layer has something to be compared with.
#[test]
fn a_request_that_the_filter_passes_on_costs_what_it_costs_without() {
    let service = service_fn(|request: Request<()>| {
        drop(black_box(Box::new(request)));
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let rules = Rules::parse("+\nD git.corp.example").unwrap();
    let mut filter = FilterLayer::new(rules, service).layer(service);
    let mut service = service;
    for path in [
        "/healthz",
        "/git.corp.example/team/lib/@v/v1.0.0.zip",
        "/git.corp.example/team/lib/@latest",
        "/github.com/!burnt!sushi/toml/@v/list",
    ] {
        let request = || Request::get(path).body(()).unwrap();
        let (with, without) = (request(), request());
        let alone = allocations(|| drop(service.call(without).now_or_never().unwrap()));
        let filtered = allocations(|| drop(filter.call(with).now_or_never().unwrap()));
        assert_eq!((filtered, alone), (1, 1), "{path}");
    }
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
    assert_eq!(allocations(|| drop(black_box(vec![1_u8]))), 1);
}
