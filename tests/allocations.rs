//! The filter adds no allocation to a request that it passes on.

// A global allocator cannot be written without `unsafe`; this one only counts and passes on.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response};
use http_body_util::Empty;
use tower::{Layer as _, Service as _, service_fn};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;

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
fn a_request_that_the_filter_passes_on_costs_what_it_costs_without() {
    let service = service_fn(|request: Request<Empty<Bytes>>| {
        drop(black_box(Box::new(request)));
        let mut response = Response::new(Empty::<Bytes>::new());
        // As sources of direct modules say.
        let private = HeaderValue::from_static("private");
        response.headers_mut().insert("cache-control", private);
        ready(Ok::<_, Infallible>(response))
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
        let request = || Request::get(path).body(Empty::new()).unwrap();
        let (with, without) = (request(), request());
        let alone = allocations(|| drop(service.call(without).now_or_never().unwrap()));
        let filtered = allocations(|| drop(filter.call(with).now_or_never().unwrap()));
        assert!(alone > 0, "there is something to compare with");
        assert_eq!(filtered, alone, "{path}");
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1_u8]))), 1);
}
