//! The counters of the `metrics` feature: what dashboards show of the fills.
#![cfg(all(feature = "fill", feature = "metrics"))]

#[path = "observed/scene.rs"]
mod scene;
mod support;

use std::future::Future;

use scene::{
    KEY, Scene, a_client_leaves, a_folder_is_in_the_way, a_source_fails, a_store_fails_at,
    a_store_fails_in_a_hit, an_ordinary_day, zip,
};
use support::Answer;
use support::counters::all_counted;
use support::faulty_store::Step;
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

/// What has been counted when this is over: all of it.
async fn assert_counts(scene: impl Future<Output = ()>, expected: &[(&str, u64)]) {
    let all = all_counted(scene).await;
    let counted: Vec<_> = all.iter().map(|(name, count)| (&**name, *count)).collect();
    assert_eq!(counted, expected);
}

fn len() -> u64 {
    zip().len() as u64
}

#[tokio::test(start_paused = true)]
async fn how_many_answers_were_hits_misses_and_attached_to_a_miss() {
    let expected = [
        ("goproxy_answers_total answer=attached", 2),
        ("goproxy_answers_total answer=bypass", 1),
        ("goproxy_answers_total answer=hit", 3),
        ("goproxy_answers_total answer=miss", 1),
        ("goproxy_fill_bytes_total", len()),
        ("goproxy_fills_total end=stored", 1),
    ];
    assert_counts(an_ordinary_day(), &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_and_the_file_that_it_has_not_kept() {
    let expected = [
        ("goproxy_answers_total answer=miss", 1),
        ("goproxy_fill_bytes_total", len()),
        ("goproxy_fills_total end=not_kept", 1),
        ("goproxy_storage_failures_total", 1),
    ];
    assert_counts(a_store_fails_at(Step::Put), &expected).await;
    assert_counts(a_folder_is_in_the_way(), &expected).await;
    // There is no fill: the client gets the source's own response.
    let expected = [
        ("goproxy_answers_total answer=miss", 1),
        ("goproxy_storage_failures_total", 1),
    ];
    assert_counts(a_store_fails_at(Step::Open), &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_while_a_hit_is_read() {
    let expected = [
        ("goproxy_answers_total answer=hit", 1),
        ("goproxy_answers_total answer=miss", 1),
        ("goproxy_fill_bytes_total", len()),
        ("goproxy_fills_total end=stored", 1),
        ("goproxy_storage_failures_total", 1),
    ];
    assert_counts(a_store_fails_in_a_hit(), &expected).await;
}

/// A 404 is a truth about a module, and no failure of its source.
#[tokio::test(start_paused = true)]
async fn a_source_that_fails_and_one_that_has_no_such_module() {
    let expected = [
        ("goproxy_answers_total answer=miss", 2),
        ("goproxy_fills_total end=failed", 1),
        ("goproxy_fills_total end=not_found", 1),
        ("goproxy_source_failures_total", 1),
    ];
    assert_counts(a_source_fails(), &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_nobody_wanted_any_more() {
    let expected = [
        ("goproxy_answers_total answer=miss", 1),
        ("goproxy_fills_total end=abandoned", 1),
    ];
    assert_counts(a_client_leaves(), &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_sent_to_the_registry_is_a_miss_too() {
    let answer = Answer::in_parts(zip(), 100_000);
    let mut scene = Scene::new(Storage::memory(), answer);
    let on_miss = OnMiss::redirect("https://registry.test").unwrap();
    scene.layer = scene.layer.on_miss(on_miss);
    let expected = [
        ("goproxy_answers_total answer=miss", 1),
        ("goproxy_fill_bytes_total", len()),
        ("goproxy_fills_total end=stored", 1),
    ];
    assert_counts(scene.ask(&format!("/{KEY}")), &expected).await;
}
