//! `tower-goproxy check`: whether what is stored is right.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tower_goproxy::Storage;
use tower_goproxy::check::{Check, Checked, Checking, Remove, Summary, Verdict};
use tower_goproxy::sumdb::SumDb;

use crate::config::{Loaded, without_credentials};
use crate::roots::Roots;
use crate::serve::private_modules;
use crate::sumdb::Around;
use crate::{BoxError, access_log, storage};

/// The options of `serve` that a check has, too.
pub(crate) const SHARED: [&str; 12] = [
    "config",
    "storage",
    "wait-for-storage",
    "filter",
    "match-case",
    "upstream",
    "ca-file",
    "offline",
    "sumdb",
    "no-sumdb",
    "go-private",
    "log-format",
];

/// How often a line says how far the check is, where there is no terminal for a progress bar.
const LINES: Duration = Duration::from_secs(10);

/// These are flags alone: no variable and no file removes anything.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CheckArgs {
    /// Delete wrong files; with `=all` also those in folders of modules that are never served because they are empty or no module has such a file.
    #[arg(long, value_name = "wrong|all", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "wrong")]
    remove: Option<Removed>,
    /// Start with the first file, even if an earlier check has stopped in the middle.
    #[arg(long)]
    from_start: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Removed {
    Wrong,
    All,
}

/// Returns whether all files are right.
pub(crate) async fn run(loaded: &Loaded, args: CheckArgs) -> Result<bool, BoxError> {
    let options = &loaded.options;
    access_log::install(options.observe.log_format);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shown = without_credentials(&options.storage);
    let is_folder = options.storage != "memory:" && !options.storage.contains("://");
    if is_folder && !Path::new(&options.storage).is_dir() {
        // It would be made.
        return Err(format!("the storage {shown} does not exist").into());
    }
    let (storage, _) = storage::open(&options.storage, options.wait_for_storage).await?;
    let mut check = Check::new(storage.clone()).remove(match args.remove {
        None => Remove::Nothing,
        Some(Removed::Wrong) => Remove::Wrong,
        Some(Removed::All) => Remove::WrongAndStray,
    });
    if args.from_start {
        check = check.anew();
    }
    let rules = options.rules.read()?;
    if let Some(sumdb) = database(loaded, &storage)? {
        check = check.sumdb(sumdb, move |target| rules.includes(target));
    }
    let mut checking = check.start().await?;
    if let Some(resumed) = checking.resumed() {
        let (path, minutes) = (line(&resumed.path), resumed.ago.as_secs() / 60);
        eprintln!(
            "going on after {path}, where a check stopped {minutes} minutes ago (--from-start begins anew)"
        );
    }
    let mut progress = Progress::new(&checking);
    let mut stopped = false;
    loop {
        let next = tokio::select! {
            next = checking.next() => Some(next?),
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
        };
        match next {
            Some(Some(file)) => progress.show(&checking, &file)?,
            Some(None) => break,
            None if stopped => process::exit(1),
            None => {
                eprintln!("stopping once the files that are being checked are done");
                checking.stop();
                stopped = true;
            }
        }
    }
    drop(progress);
    let summary = checking.summary();
    writeln!(io::stdout(), "{}", counts(summary))?;
    if stopped {
        let path = line(checking.position());
        eprintln!("stopped after {path}: the same command goes on there");
    }
    Ok(summary.is_good() && !stopped)
}

/// That of the server's files from its upstream.
fn database(loaded: &Loaded, storage: &Storage) -> Result<Option<SumDb>, BoxError> {
    let options = &loaded.options;
    if options.offline {
        return Ok(None);
    }
    let client = Roots::load(options.ca_file.as_deref())?.client()?;
    let around = Around {
        private: &private_modules(loaded),
        storage: Some(storage),
        client: &client.connect_timeout(options.upstream.connect_timeout()),
        offline: false,
    };
    options.sumdb.verified(&options.upstream, around)
}

/// How far the check is, on stderr.
enum Progress {
    Bar(ProgressBar, JoinHandle<()>),
    Lines(Instant),
}

impl Progress {
    fn new(checking: &Checking) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines(Instant::now());
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(style("{spinner} {human_pos} files, {per_sec}, {msg}"));
        let count = checking.count();
        let counted = bar.clone();
        let counting = tokio::spawn(async move {
            // Without a number there is no end to be shown.
            if let Ok(count) = count.await {
                counted.set_style(style(
                    "{bar:30} {human_pos}/{human_len} files, {per_sec}, {eta} left, {msg}",
                ));
                counted.set_length(count);
            }
        });
        Self::Bar(bar, counting)
    }

    fn show(&mut self, checking: &Checking, file: &Checked) -> io::Result<()> {
        let bad = checking.summary().wrong + checking.summary().unchecked;
        let found = finding(file);
        match self {
            Self::Bar(bar, _) => {
                bar.inc(1);
                bar.set_message(format!("{bad} bad"));
                match found {
                    Some(found) => bar.suspend(|| writeln!(io::stdout(), "{found}")),
                    None => Ok(()),
                }
            }
            Self::Lines(last) => {
                if last.elapsed() >= LINES {
                    *last = Instant::now();
                    let (files, path) = (checking.summary().files(), line(&file.path));
                    eprintln!("checked {files} files, {bad} bad, now at {path}");
                }
                found.map_or(Ok(()), |found| writeln!(io::stdout(), "{found}"))
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar, counting) = self {
            counting.abort();
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    // The templates are constants.
    style.unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// What is said of a file, if there is something to say.
fn finding(file: &Checked) -> Option<String> {
    let (kind, reason) = match &file.verdict {
        Verdict::Unconfirmed(reason) => ("unconfirmed", reason),
        Verdict::Wrong(reason) => ("wrong", reason),
        Verdict::Unchecked(reason) => ("unchecked", reason),
        Verdict::Stray(reason) => ("stray", reason),
        _ => return None,
    };
    let removed = if file.removed { " (removed)" } else { "" };
    Some(line(&format!("{kind}: {}: {reason}{removed}", file.path)))
}

fn counts(summary: &Summary) -> String {
    let Summary {
        good,
        unconfirmed,
        wrong,
        unchecked,
        stray,
        skipped,
        removed,
        ..
    } = summary;
    format!(
        "checked {} files: {good} good, {unconfirmed} unconfirmed, {wrong} wrong, {unchecked} unchecked, {stray} stray, \
         {skipped} skipped; {removed} removed",
        summary.files()
    )
}

/// Without what could do something to a terminal.
fn line(text: &str) -> String {
    let shown = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    text.chars().map(shown).collect()
}
