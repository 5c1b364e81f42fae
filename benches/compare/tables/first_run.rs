//! From a clone to the first answer, as on a fresh machine: nothing is built and no crate is downloaded yet.

use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::clients::get;
use crate::process::{Process, free_address, server};
use crate::report::{Table, at_most};
use crate::world::{self, Speed, World};

const CASE: &str = "the server";
const ANSWER: &str = "clone to first answer, s";

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("The first run on a fresh machine", "");
    // Once, since it takes minutes.
    let found = first_answer(world);
    let found = found.inspect_err(|error| eprintln!("the table is left out: {error:#}"));
    let found = found.into_iter().collect();
    table.row(CASE, ANSWER, at_most(240.0, 120.0), found);
    Ok(table)
}

fn first_answer(world: &World) -> Result<f64> {
    let folder = world.folder()?;
    let (clone, home) = (folder.join("clone"), folder.join("cargo"));
    fs::create_dir(&home)?;
    // The machine may have a registry of its own.
    let settings = match env::var_os("CARGO_HOME") {
        Some(home) => Path::new(&home).join("config.toml"),
        None => Path::new(&env::var("HOME")?).join(".cargo/config.toml"),
    };
    // It may not exist.
    let _ = fs::copy(settings, home.join("config.toml"));
    let (zip, at) = (world.zip(world::SMALL, 0)?, free_address()?);

    let start = Instant::now();
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", env!("CARGO_MANIFEST_DIR")]);
    let cloned = git.arg(&clone).status().context("git")?.success();
    ensure!(cloned, "git cannot clone this project");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = server(Path::new(&cargo))?;
    let upstream = world.upstream(Speed::Unlimited);
    let proxy = format!("--listen {at} --upstream http://{upstream}");
    let run = "run --quiet --release -p tower-goproxy-server --";
    cargo.args(run.split(' ')).args(proxy.split(' '));
    cargo.current_dir(&clone).env("CARGO_HOME", &home);
    cargo.env_remove("CARGO_TARGET_DIR");
    let _server = Process::start(&mut cargo, &folder.join("log"), at)?;
    get(at, &zip)?;
    Ok(start.elapsed().as_secs_f64())
}
