//! What is counted while something happens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// By name and labels.
#[derive(Default)]
struct Counters(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels();
        let labels = labels.map(|label| format!(" {}={}", label.key(), label.value()));
        let name = format!("{}{}", key.name(), labels.collect::<String>());
        let mut all = self.0.lock().unwrap();
        Counter::from_arc(Arc::clone(all.entry(name).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("{} is a gauge", key.name())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{} is a histogram", key.name())
    }
}

/// All that has been counted when this is over.
pub async fn all_counted(scene: impl Future<Output = ()>) -> BTreeMap<String, u64> {
    let counters = Counters::default();
    {
        let _guard = metrics::set_default_local_recorder(&counters);
        scene.await;
    }
    let all = counters.0.into_inner().unwrap();
    all.into_iter()
        .map(|(name, count)| (name, count.load(Ordering::SeqCst)))
        .collect()
}

/// The same, by name.
pub async fn counted(scene: impl Future<Output = ()>) -> impl Fn(&str) -> u64 {
    let all = all_counted(scene).await;
    move |name| all.get(name).copied().unwrap_or_default()
}
