//! What the rules and the filter cost: one target among 100,000 rules, one request that passes, and a long list.
//!
//! `cargo bench --bench policy`. The services are asked without any network. The allocations that the filter adds to a
//! request are printed at the end.

#![allow(missing_docs)]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use support::allocations;
use tokio::runtime::Runtime;
use tower::{Layer as _, Service, service_fn};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{SharedCaches, Target};

const RULES: usize = 100_000;

/// With and without capitals, on a host that ignores case.
const TEAMS: [(&str, &str); 2] = [("small letters", "team"), ("capitals", "!t!e!a!m")];

const PASSED: [&str; 3] = [
    "/api/v1/users/42/settings",
    "/git.corp.example/team/module/@v/v1.2.3.zip",
    "/github.com/!burnt!sushi/toml/@v/v1.4.0.zip",
];

const LIST: usize = 16 * 1024 * 1024;

type Answer = Ready<Result<Response<Full<Bytes>>, Infallible>>;

fn rules(c: &mut Criterion) {
    let line = |at: usize| {
        let (sign, team) = (["-", "D", "+"][at % 3], at % 1_009);
        format!("{sign} github.com/Team-{team}/module-{at}\n")
    };
    let rules: String = (0..RULES).map(line).collect();
    let rules = Rules::parse(&rules).expect("these rules are well-formed");
    let mut group = c.benchmark_group("one of 100,000 rules");
    for (name, team) in TEAMS {
        // So many that the CPU caches do not hold their rules.
        let paths = (0..10_000).map(|at| {
            let at = at * 7_919 % RULES;
            format!(
                "/github.com/{team}-{}/module-{at}/@v/v1.2.3.zip",
                at % 1_009
            )
        });
        let paths: Vec<_> = paths.collect();
        let targets = paths.iter().filter_map(|path| Target::parse(path).ok()?);
        let targets: Vec<_> = targets.collect();
        assert_eq!(targets.len(), paths.len());
        let mut targets = targets.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| rules.rule_for(black_box(targets.next().expect("a cycle"))));
        });
    }
    group.finish();
}

fn still(request: Request<Empty<Bytes>>) -> Answer {
    black_box(request);
    ready(Ok(Response::new(Full::default())))
}

fn ask<S>(service: &mut S, path: &str)
where
    S: Service<Request<Empty<Bytes>>, Error = Infallible>,
{
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = path.parse().expect("a good path");
    support::now(service.call(request)).unwrap_or_else(|never| match never {});
}

fn passed(c: &mut Criterion) {
    let rules = Rules::parse("+\nD git.corp.example\n- github.com/evil");
    let layer = FilterLayer::new(rules.expect("these are good rules"), service_fn(still))
        .shared_caches(SharedCaches::Allowed);
    let mut filter = layer.layer(service_fn(still));
    let mut alone = service_fn(still);
    let mut group = c.benchmark_group("one request");
    group.bench_function("alone", |b| b.iter(|| ask(&mut alone, PASSED[2])));
    group.bench_function("filtered", |b| b.iter(|| ask(&mut filter, PASSED[2])));
    group.finish();
    for path in PASSED {
        let with = allocations(|| ask(&mut filter, path));
        let without = allocations(|| ask(&mut alone, path));
        println!("{path}: {} allocations added", with - without);
    }
}

fn list(c: &mut Criterion) {
    let versions = (0..).map(|patch| format!("v1.0.{patch}\n"));
    let mut length = 0;
    let list: String = versions
        .take_while(|line| {
            length += line.len();
            length <= LIST
        })
        .collect();
    let list = Bytes::from(list);
    let mut group = c.benchmark_group("a list of 16 MiB");
    group.throughput(Throughput::Bytes(list.len() as u64));
    let source = service_fn(move |_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(Full::new(list.clone()))))
    });
    let rules = Rules::parse("- example.com/m v1.0.7").expect("this is a good rule");
    let filter = FilterLayer::new(rules, source.clone()).layer(source);
    let runtime = Runtime::new().expect("a runtime can be made");
    group.sample_size(10);
    group.bench_function("filtered", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let request = Request::get("/example.com/m/@v/list");
                let request = request.body(Empty::new()).expect("a good request");
                let Ok(response) = filter.clone().call(request).await;
                let mut body = response.into_body();
                while let Some(frame) = body.frame().await {
                    black_box(frame.expect("a whole list"));
                }
            });
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rules(&mut criterion);
    passed(&mut criterion);
    list(&mut criterion);
    criterion.final_summary();
}
