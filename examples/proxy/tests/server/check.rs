//! `tower-goproxy check`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use http::StatusCode;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::proxy::Proxy;
use crate::support::module_zip::module_zip;
use crate::support::{Answer, Gate, Kept, Recorded, ScriptedRegistry, within_minutes};

const KEY: &str = "sum.example+da89a45e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const MOD: &str = "module example.com/m\n";

fn check(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    command.arg("check").args(args).env_clear();
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What it prints, and its exit code.
async fn said(mut command: Command) -> (String, String, Option<i32>) {
    let output = within_minutes(command.output()).await.unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (out, err, output.status.code())
}

fn folder(kept: &Kept) -> &str {
    kept.folder().to_str().unwrap()
}

/// Two right files and two wrong ones.
async fn stored() -> Kept {
    let kept = Kept::on_disk();
    let zip = module_zip("example.com/m", "v1.0.0", &[("m.go", b"package m")]);
    kept.write("example.com/m/@v/v1.0.0.zip", zip.clone()).await;
    kept.write("example.com/m/@v/v1.0.0.mod", MOD).await;
    kept.write("example.com/m/@v/v1.1.0.zip", zip).await;
    kept.write("example.com/m/@v/v1.1.0.ziphash", "h1:x").await;
    kept.write("example.com/m/@v/v1.1.0.info", "{}").await;
    kept.write("example.com/m/@v/notes.txt", "x").await;
    kept
}

#[tokio::test]
async fn wrong_files_are_named_and_removed_on_demand() {
    let kept = stored().await;
    let args = ["--storage", folder(&kept), "--sumdb", "off"];
    let (out, _, code) = said(check(&args)).await;
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(code, Some(1));
    assert_eq!(
        lines,
        [
            "stray: example.com/m/@v/notes.txt: no module has a file of this name",
            "wrong: example.com/m/@v/v1.1.0.info: .info has no version",
            "wrong: example.com/m/@v/v1.1.0.zip: .zip has a file outside example.com/m@v1.1.0/: \
             \"example.com/m@v1.0.0/m.go\"",
            "checked 6 files: 3 good, 0 unconfirmed, 2 wrong, 0 unchecked, 1 stray, 0 skipped; 0 removed",
        ]
    );
    assert_eq!(kept.all_names().await.len(), 6);

    // No variable removes anything.
    let mut command = check(&args);
    command.env("TOWER_GOPROXY_REMOVE", "all");
    assert_eq!(said(command).await.2, Some(1));
    assert_eq!(kept.all_names().await.len(), 6);

    let (out, _, code) = said(check(&[&args[..], &["--remove"]].concat())).await;
    assert!(out.contains(".info has no version (removed)"), "{out}");
    assert!(out.contains("2 removed"), "{out}");
    assert_eq!(code, Some(1));
    let left = [
        "example.com/m/@v/notes.txt",
        "example.com/m/@v/v1.0.0.mod",
        "example.com/m/@v/v1.0.0.zip",
    ];
    assert_eq!(kept.all_names().await, left);
    assert_eq!(said(check(&args)).await.2, Some(0));

    let (_, _, code) = said(check(&[&args[..], &["--remove=all"]].concat())).await;
    assert_eq!(code, Some(0));
    assert_eq!(kept.all_names().await, left[1..]);
}

#[tokio::test]
async fn options_come_from_flags_variables_and_the_file_of_the_server() {
    let kept = stored().await;
    let outside = tempfile::tempdir().unwrap();
    let config = outside.path().join("server.toml");
    let config = config.to_str().unwrap();
    let text = format!(
        "storage = {:?}\nsumdb = \"off\"\nlisten = \"127.0.0.1:1\"\n",
        folder(&kept)
    );
    std::fs::write(config, text).unwrap();
    let (out, _, code) = said(check(&["--config", config])).await;
    assert!(out.contains("checked 6 files"), "{out}");
    assert_eq!(code, Some(1));
    let mut command = check(&[]);
    command.env("TOWER_GOPROXY_STORAGE", folder(&kept));
    command.env("TOWER_GOPROXY_SUMDB", "off");
    let (out, _, _) = said(command).await;
    assert!(out.contains("checked 6 files"), "{out}");

    let (out, err, code) = said(check(&["--storage", "no/such/folder"])).await;
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert_eq!(err, "error: the storage no/such/folder does not exist\n");
    assert_eq!(said(check(&["--remove=everything"])).await.2, Some(2));
    let (help, _, _) = said(check(&["--help"])).await;
    assert!(
        help.contains("--remove") && help.contains("--no-sumdb"),
        "{help}"
    );
    assert!(!help.contains("--listen"), "{help}");
}

/// The database is asked only about what may be known outside.
#[tokio::test]
async fn the_database_hears_of_included_modules_alone() {
    let database = ScriptedRegistry::http1(|_: &Recorded| {
        Answer::text(StatusCode::NOT_FOUND, "not found: unknown\n")
    })
    .await;
    let kept = Kept::on_disk();
    for module in [
        "public.example/m",
        "private.example/m",
        "direct.example/m",
        "blocked.example/m",
        "table.example/m",
    ] {
        let text = format!("module {module}\n");
        kept.write(&format!("{module}/@v/v1.0.0.mod"), text).await;
    }
    let outside = tempfile::tempdir().unwrap();
    let at = |name: &str| outside.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        at("filter.conf"),
        "+\nD direct.example\n- blocked.example\n",
    )
    .unwrap();
    let table =
        "[[registry]]\nmodules = \"table.example\"\nupstream = \"https://registry.example\"\n";
    std::fs::write(at("check.toml"), table).unwrap();
    let sumdb = format!("{KEY} {}", database.url());
    let (filter, config) = (at("filter.conf"), at("check.toml"));
    let (out, _, code) = said(check(&[
        "--storage",
        folder(&kept),
        "--sumdb",
        &sumdb,
        "--no-sumdb",
        "private.example",
        "--filter",
        &filter,
        "--config",
        &config,
    ]))
    .await;
    assert!(
        out.starts_with("unconfirmed: public.example/m/@v/v1.0.0.mod: "),
        "{out}"
    );
    assert!(out.contains("4 good, 1 unconfirmed"), "{out}");
    assert_eq!(code, Some(0));
    let asked = database.requests().all();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/lookup/public.example/m@v1.0.0");
}

/// One that knows nothing, and says so once the gate is open.
async fn withheld_database(gate: &Gate) -> ScriptedRegistry {
    let held = gate.clone();
    ScriptedRegistry::http1(move |_: &Recorded| {
        Answer::text(StatusCode::NOT_FOUND, "not found: unknown\n").withheld(&held)
    })
    .await
}

/// It waits for a database while it is told to stop.
#[tokio::test]
async fn after_an_interruption_the_next_check_goes_on() {
    let gate = Gate::closed();
    let database = withheld_database(&gate).await;
    let kept = Kept::on_disk();
    for n in 10..60 {
        kept.write(&format!("example.com/m/@v/v1.{n}.0.mod"), MOD)
            .await;
    }
    kept.write("example.com/m/@v/v1.00.0.mod", MOD).await;
    kept.write("example.com/m/@v/v1.10.0.info", "{}").await;
    let sumdb = format!("{KEY} {}", database.url());
    let args = ["--storage", folder(&kept), "--sumdb", &sumdb];
    let mut command = check(&args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    within_minutes(database.requests().arrived(1)).await;
    let mut kill = Command::new("kill");
    kill.arg("-INT").arg(child.id().unwrap().to_string());
    assert!(kill.status().await.unwrap().success());
    within_minutes(async {
        while !log
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .starts_with("stopping")
        {}
        gate.open();
        let first = child.wait_with_output().await.unwrap();
        assert_eq!(first.status.code(), Some(1));
        let last = log.next_line().await.unwrap().unwrap();
        assert!(
            last.starts_with("stopped after example.com/m/@v/v1."),
            "{last}"
        );
    })
    .await;

    let (out, err, code) = said(check(&args)).await;
    assert!(err.contains("going on after example.com/m/@v/v1."), "{err}");
    assert!(out.contains("checked 52 files: "), "{out}");
    assert!(out.contains("50 unconfirmed, 1 wrong"), "{out}");
    assert_eq!(code, Some(1));
    let (out, err, _) = said(check(&args)).await;
    assert!(!err.contains("going on"), "{err}");
    assert!(out.contains("checked 52 files: "), "{out}");
}

/// What a program writes to a terminal, and the end that the program gets.
fn terminal() -> (mpsc::UnboundedReceiver<String>, File) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    let name = ptsname(&shown, Vec::new()).unwrap();
    let name = OsStr::from_bytes(name.to_bytes());
    let programs = File::options().read(true).write(true).open(name).unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let (mut shown, mut buffer) = (File::from(shown), [0; 4096]);
        // The end is an error: nobody has the terminal any more.
        while let Ok(read @ 1..) = shown.read(&mut buffer) {
            let _ = sender.send(String::from_utf8_lossy(&buffer[..read]).into_owned());
        }
    });
    (receiver, programs)
}

/// It waits for a database in the middle.
#[tokio::test]
async fn a_terminal_has_a_progress_bar() {
    let gate = Gate::closed();
    let database = withheld_database(&gate).await;
    let kept = Kept::on_disk();
    kept.write("example.com/m/@v/v1.0.0.info", "{}").await;
    kept.write("example.com/m/@v/v1.0.0.mod", MOD).await;
    let sumdb = format!("{KEY} {}", database.url());
    let (mut shown, terminal) = terminal();
    let child = {
        let mut command = check(&["--storage", folder(&kept), "--sumdb", &sumdb]);
        command.env("TERM", "xterm");
        command.stdout(Stdio::piped()).stderr(terminal);
        command.spawn().unwrap()
    };
    within_minutes(async {
        let mut screen = String::new();
        let is_half = |drawing: &str| drawing.contains(" 1/2 files") && drawing.contains("1 bad");
        while !screen.split('\r').any(is_half) {
            screen += &shown.recv().await.expect("the bar is drawn first");
        }
        gate.open();
        while let Some(more) = shown.recv().await {
            screen += &more;
        }
        assert!(screen.contains(" 2/2 files"), "{screen:?}");
        assert!(
            screen.ends_with("\r\u{1b}[2K"),
            "nothing is left: {screen:?}"
        );
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(
            out.starts_with("wrong: example.com/m/@v/v1.0.0.info: "),
            "{out}"
        );
    })
    .await;
}

/// One process checks and removes while another one serves.
#[tokio::test]
async fn a_server_that_runs_meanwhile_fetches_removed_files_anew() {
    let path = "/example.com/m/@v/v1.0.0.mod";
    let registry = ScriptedRegistry::serving(path, Answer::new([MOD])).await;
    let kept = Kept::on_disk();
    kept.write(&path[1..], "go 1.21\n").await;
    let upstream = registry.url();
    let proxy = Proxy::start(&["--storage", folder(&kept), "--upstream", &upstream]).await;
    assert_eq!(proxy.get(path).await.whole().text(), "go 1.21\n");
    let (_, _, code) = said(check(&[
        "--storage",
        folder(&kept),
        "--sumdb",
        "off",
        "--remove",
    ]))
    .await;
    assert_eq!(code, Some(1));
    assert_eq!(proxy.get(path).await.whole().text(), MOD);
}
