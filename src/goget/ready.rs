//! Whether commands can run at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clones::Clones;
use super::folder::blocking;
use super::go::not_run;
use super::held::read_files;
use super::job::{Failed, Release, bad_folder, release, setup};
use super::observe::left;
use super::process::{Stop, Unwanted, run};
use super::sandbox::{self, Sandbox};
use super::secrets::Grant;
use super::settings::Settings;

/// The first go command with `GOTOOLCHAIN`, without which it would download others.
const LEAST: u32 = 21;
/// Far more than `go version` ever needs.
const TIME: Duration = Duration::from_secs(60);

/// The release of the go command, and whether there is git. What was left of servers that are gone ends here.
pub(super) async fn look(
    settings: &Settings,
    clones: &Arc<Clones>,
    unwanted: &mut Unwanted,
) -> Result<(Release, bool), Failed> {
    let (owned, clones) = (settings.clone(), Arc::clone(clones));
    let sandbox = blocking(move || {
        sandbox::sweep(&owned.folder)?;
        let lent = clones.lend(None)?;
        Sandbox::new(&owned, &Grant::none(), lent.folder())
    })
    .await
    .map_err(|error| bad_folder(&format!("{}: {error}", settings.folder.display())))?;
    let looked = look_in(settings, &sandbox, unwanted).await;
    let closed = blocking(move || sandbox.close()).await;
    left("the folder of a run", closed);
    looked
}

async fn look_in(
    settings: &Settings,
    sandbox: &Sandbox,
    unwanted: &mut Unwanted,
) -> Result<(Release, bool), Failed> {
    if let Some(file) = module_above(sandbox) {
        let text = format!("{} would be the module of every command", file.display());
        let error = setup(text).showing("its folder for modules is inside of a module");
        return Err(error.into());
    }
    let name = settings.go.display();
    let command = sandbox.command(&["version"]);
    let output = match run(command, sandbox.home(), TIME, unwanted).await {
        Ok(output) => output,
        Err(Stop::Unwanted) => return Err(Failed::Unwanted),
        Err(stop) => return Err(not_run(&settings.go, &stop).into()),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let found = said.split_once("go1.").and_then(|(_, rest)| release(rest));
    let error = match found {
        Some(release) if release.0 >= LEAST => {
            let has_git = sandbox.has_git();
            if has_git {
                read_files(settings).await?;
            }
            return Ok((release, has_git));
        }
        Some((minor, _)) => {
            let text = format!("{name} is Go 1.{minor}, and 1.{LEAST} or later is needed");
            setup(text).showing(format!("its go command is older than 1.{LEAST}"))
        }
        None => {
            let text = format!("{said}{}({})", output.stderr, output.status);
            setup(format!("{name} is not a go command: {text}")).showing("it has no go command")
        }
    };
    Err(error.into())
}

/// A go.mod in a folder above would be read by every command.
fn module_above(sandbox: &Sandbox) -> Option<PathBuf> {
    let work = sandbox.work();
    let files = work.ancestors().map(|dir| dir.join("go.mod"));
    files.into_iter().find(|file| file.is_file())
}
