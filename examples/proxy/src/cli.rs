//! The command line, the variables and the file, which say the same things.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::OsStr;
use clap::error::ContextKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::check::{CheckArgs, SHARED};
use crate::config::{File, Loaded, VARIABLE, keys, nearest, variable};
use crate::options::Options;

/// A Go module proxy that fills its storage while it answers.
///
/// Without a command it serves: `tower-goproxy --storage DIR` is `tower-goproxy serve --storage DIR`.
#[derive(Debug, Parser)]
#[command(name = "tower-goproxy", version, propagate_version = true)]
#[command(after_help = "Options: tower-goproxy serve --help")]
struct Cli {
    #[command(subcommand)]
    command: Command_,
}

#[derive(Debug, Subcommand)]
enum Command_ {
    /// Serve modules until SIGTERM (the default).
    Serve(Options),
    /// Show the options in force and where each comes from: flag, variable, file or default. Secrets are left out.
    Config(Options),
    /// Check all stored files as new ones are checked. Exits with 0 if all are right, and with 1 if not. After Ctrl-C it
    /// goes on where it stopped.
    Check(CheckOptions),
}

/// The options of `serve` are taken, too, so that one file is for both.
#[derive(Debug, Args)]
struct CheckOptions {
    #[command(flatten)]
    check: CheckArgs,
    #[command(flatten)]
    options: Options,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    Serve,
    Config,
    Check(CheckArgs),
}

const NAMES: [&str; 3] = ["serve", "config", "check"];

/// # Errors
///
/// The code with which the process has to end: 2 if something was wrong, 0 for `--help` and `--version`. It has been said.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<(Command, Loaded), ExitCode> {
    let args = with_command(args.collect());
    let matches = cli()
        .try_get_matches_from(&args)
        .map_err(|error| said(&error))?;
    let (name, sub) = matches.subcommand().ok_or(ExitCode::from(2))?;
    let path = sub.get_one::<PathBuf>("config").cloned();
    let file = match &path {
        Some(path) => File::read(path, &keys()).map_err(|error| wrong(&error))?,
        None => File::default(),
    };
    let mut matches = sub.clone();
    if let Some(path) = &path {
        // What the file says is the default of the flags, so that it is read and checked in the same way.
        let (name, file) = (name.to_owned(), &file);
        let cli = cli().mut_subcommand(&name, |sub| {
            sub.mut_args(
                |arg| match file.values.get(arg.get_long().unwrap_or_default()) {
                    Some(value) => arg.default_value(OsStr::from(value.clone())),
                    None => arg,
                },
            )
        });
        let again = cli.try_get_matches_from(&args);
        let again = again.map_err(|error| wrong(&in_file(&error, path)))?;
        matches = again
            .subcommand()
            .map(|(_, sub)| sub.clone())
            .unwrap_or(matches);
    }
    unknown_variables();
    let command = match name {
        "config" => Command::Config,
        "check" => {
            Command::Check(CheckArgs::from_arg_matches(&matches).map_err(|error| said(&error))?)
        }
        _ => Command::Serve,
    };
    let options = Options::from_arg_matches(&matches).map_err(|error| said(&error))?;
    Ok((command, Loaded::new(options, file, matches)))
}

/// The command that is meant where none is named.
fn with_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let first = args.get(1).and_then(|first| first.to_str());
    let is_own = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    let is_option = first.is_none_or(|first| first.starts_with('-'));
    if is_option && !is_own {
        args.insert(args.len().min(1), "serve".into());
    }
    args
}

/// Each option is a variable, too.
fn cli() -> clap::Command {
    let mut cli = Cli::command();
    let keys = keys();
    for name in NAMES {
        cli = cli.mut_subcommand(name, |sub| {
            // The version is that of the program.
            sub.display_name("tower-goproxy").mut_args(|arg| {
                let long = arg.get_long().map(str::to_owned);
                let Some(long) = long.filter(|long| keys.contains(long)) else {
                    return arg;
                };
                let arg = match name == "check" && !SHARED.contains(&&*long) {
                    true => arg.hide(true),
                    false => arg,
                };
                // `config` shows the values, without what is secret in them.
                arg.env(OsStr::from(variable(&long))).hide_env_values(true)
            })
        });
    }
    cli
}

/// Others may use such variables: a wrong one is no reason not to start.
fn unknown_variables() {
    let keys: Vec<_> = keys().iter().map(|key| variable(key)).collect();
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(VARIABLE)) else {
            continue;
        };
        if !keys.iter().any(|key| key == name) {
            let hint = nearest(name, &keys);
            eprintln!("warning: unknown variable {name}{hint}");
        }
    }
}

fn in_file(error: &clap::Error, path: &std::path::Path) -> String {
    let text = error.to_string();
    // What follows a blank line is for the command line.
    let lines = text.lines().take_while(|line| !line.is_empty());
    let said: Vec<_> = lines.map(str::trim).collect();
    format!(
        "{}: {}",
        path.display(),
        said.join(" ").trim_start_matches("error: ")
    )
}

fn said(error: &clap::Error) -> ExitCode {
    // Nobody reads it then.
    let _ = error.print();
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let key = named.as_deref().and_then(|arg| arg.strip_prefix("--"));
    // What follows the name is the value: ` <FILE>` or `[=<BOOL>]`.
    let key = key.map(|arg| arg.split([' ', '[']).next().unwrap_or_default());
    let is_flag = |key: &str| std::env::args().any(|arg| arg.starts_with(&format!("--{key}")));
    if let Some(key) = key.filter(|key| !is_flag(key)) {
        eprintln!("The value is that of the variable {}.", variable(key));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn wrong(text: &str) -> ExitCode {
    eprintln!("error: {text}");
    ExitCode::from(2)
}
