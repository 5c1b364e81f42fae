//! The gauge of the `metrics` feature: which registries are up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tower_goproxy::Upstream;

use crate::ask::{LIST, get};
use crate::script::{Script, Turn, status};

/// Gauges by name and labels.
#[derive(Default)]
struct Gauges(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let labels = key.labels();
        let labels = labels.map(|label| format!(" {}={}", label.key(), label.value()));
        let name = key.name().to_owned() + &labels.collect::<String>();
        let mut all = self.0.lock().unwrap();
        Gauge::from_arc(Arc::clone(all.entry(name).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl Gauges {
    fn shown(&self) -> Vec<(String, f64)> {
        let all = self.0.lock().unwrap();
        let value = |value: &AtomicU64| f64::from_bits(value.load(Ordering::SeqCst));
        all.iter()
            .map(|(name, one)| (name.clone(), value(one)))
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_away_and_back_is_shown_by_its_host() {
    let gauges = Gauges::default();
    let _guard = metrics::set_default_local_recorder(&gauges);
    let fail = || Turn::Fail("no route");
    let script = Script::new([fail(), fail(), status(500, &[], [])]);
    let upstream = Upstream::with_client("https://user:secret@a.test:8443/base?key=secret", script);
    let upstream = upstream.unwrap().retries(0);
    let name = "goproxy_upstream_up upstream=a.test:8443".to_owned();
    assert_eq!(gauges.shown(), []);
    get(&upstream, LIST).await;
    assert_eq!(gauges.shown(), [(name.clone(), 0.0)]);
    get(&upstream, LIST).await;
    assert_eq!(gauges.shown(), [(name.clone(), 0.0)]);
    // Whatever it says, it is there.
    get(&upstream, LIST).await;
    assert_eq!(gauges.shown(), [(name, 1.0)]);
}

#[tokio::test]
async fn a_registry_is_shown_as_soon_as_it_has_answered() {
    let gauges = Gauges::default();
    let _guard = metrics::set_default_local_recorder(&gauges);
    let script = Script::new([status(404, &[], []), Turn::Fail("no route")]);
    let upstream = Upstream::with_client("https://a.test,https://b.test", script);
    let upstream = upstream.unwrap().retries(0);
    get(&upstream, "/not-a-module").await;
    assert_eq!(gauges.shown(), [], "nobody was asked");
    get(&upstream, LIST).await;
    let shown = [("a.test", 1.0), ("b.test", 0.0)];
    let shown = shown.map(|(host, up)| (format!("goproxy_upstream_up upstream={host}"), up));
    assert_eq!(gauges.shown(), shown);
}
