//! A tour of the proxy, to look at: a slow registry, the proxy and its clients in one process.
//!
//! ```sh
//! cargo run -p tower-goproxy-tour
//! ```
//!
//! Needs no internet and takes about 15 seconds, since the registry is slow by design. What it says
//! it has checked: it ends with an error if a byte differs.

mod board;
mod client;
mod modules;
mod registry;
mod screen;
mod storage;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::source::Tasks;
use tower_goproxy::{Storage, Upstream};

use crate::client::get;
use crate::registry::Registry;
use crate::screen::{BLUE, CYAN, GREEN, MAGENTA, RED, Screen, YELLOW, size};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const RULES: &str = "
    +                       # include: from the registry, stored on the way
    D corp.example          # direct: from version control
    - example.com/mistake   # exclude
";

const ENGINE: &str = "/github.com/acme/engine/@v/v1.4.0.zip";
const PARSER: &str = "/github.com/acme/parser/v2/@v/v2.0.1.zip";
const TOOL: &str = "/corp.example/tool/@v/v0.3.0.zip";
const MISTAKE: &str = "/example.com/mistake/@v/v1.0.0.zip";

/// All that the scenes have in common.
struct Stage<'a> {
    screen: Screen,
    folder: &'a Path,
    proxy: String,
    registry: Registry,
    version_control: Registry,
    fills: Tasks,
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (registry, version_control) = (Registry::default(), Registry::default());
    let upstream = serve(registry.service()).await?;

    // This is the whole proxy.
    let fill = FillLayer::new(Storage::disk(folder.path())?);
    let fills = fill.fills();
    let include = fill.layer(Upstream::new(&upstream)?);
    let app = Router::new()
        .fallback_service(version_control.service())
        .layer(FilterLayer::new(Rules::parse(RULES)?, include));

    let stage = Stage {
        screen: Screen::new(),
        folder: folder.path(),
        proxy: serve(app).await?,
        registry,
        version_control,
        fills,
    };
    let screen = stage.screen;
    let name = screen.paint("1", "tower-goproxy");
    screen.line(&format!(
        "\n {name}  a module proxy that fills its storage while it answers"
    ));
    let engine = modules::zip("github.com/acme/engine", "v1.4.0", 8 << 20)?;
    stage.missed_and_attached(&engine).await?;
    stage.hit(&engine).await?;
    stage.left().await?;
    stage.direct().await?;
    stage.excluded().await?;

    stage.fills.idle().await;
    screen.line(&format!(
        "\n{}  {}",
        screen.paint("1;32", "▌the storage"),
        screen.paint(
            "2",
            "laid out as the go command's own cache: GOPROXY=file://… works"
        )
    ));
    storage::tree(screen, stage.folder, 0)?;
    let staged = storage::files(&stage.folder.join(".staging"))?;
    claim(staged.is_empty(), "nothing is left in .staging")
}

impl Stage<'_> {
    async fn missed_and_attached(&self, zip: &Bytes) -> Result<()> {
        let what = "A asks for what is not stored yet, B asks later";
        let scene = self.screen.scene(YELLOW, "include: missed, attached", what);
        let registry = scene.board.lane("registry", YELLOW, zip.len());
        let a = scene.board.lane("client A", CYAN, zip.len());
        let b = scene.board.lane("client B", MAGENTA, zip.len());
        let stored = scene.board.lane("storage", GREEN, zip.len());
        self.registry.publish(ENGINE, zip.clone(), registry.clone());

        let watch = tokio::spawn(storage::watch(
            self.folder.into(),
            self.file(ENGINE),
            stored,
        ));
        let read = a.clone();
        let a = tokio::spawn(get(self.url(ENGINE), a, None));
        // Late, on slow machines too.
        while read.bytes() < zip.len() as u64 / 3 && !a.is_finished() {
            sleep(Duration::from_millis(20)).await;
        }
        let b = get(self.url(ENGINE), b, None).await?;
        let a = a.await??;
        watch.await??;

        claim(
            a.body == *zip && b.body == *zip,
            "A and B have the zip, byte for byte",
        )?;
        claim(
            std::fs::read(self.file(ENGINE))? == *zip,
            "so has the storage",
        )?;
        claim(
            a.cache_status == "tower-goproxy; fwd=miss; stored",
            "A has started the fill",
        )?;
        claim(
            b.cache_status == "tower-goproxy; fwd=miss; collapsed",
            "B has attached",
        )?;
        claim(
            self.registry.asked(ENGINE) == 1,
            "the registry was asked once",
        )?;
        claim(
            a.first < registry.at() && b.first < registry.at(),
            "nobody waited for the end",
        )?;
        let ahead = (registry.at() - a.first).as_secs_f64();
        let streamed =
            format!("A had its first byte {ahead:.1} s before the registry sent its last");
        let once = "two clients and the storage have the same bytes; the registry was asked once";
        scene.end(&[&streamed, once]).await;
        Ok(())
    }

    async fn hit(&self, zip: &Bytes) -> Result<()> {
        let scene = self
            .screen
            .scene(GREEN, "include: hit", "C asks for it once more");
        let registry = scene.board.lane("registry", YELLOW, zip.len());
        let c = scene.board.lane("client C", BLUE, zip.len());
        sleep(Duration::from_millis(300)).await;
        // A fill is over a little after its file is there.
        self.fills.idle().await;
        let c = get(self.url(ENGINE), c, None).await?;

        claim(c.body == *zip, "C has the zip, byte for byte")?;
        claim(
            c.cache_status == "tower-goproxy; hit",
            "C was answered from the storage",
        )?;
        claim(
            self.registry.asked(ENGINE) == 1,
            "the registry was not asked again",
        )?;
        claim(registry.bytes() == 0, "nor has it sent anything")?;
        let took = (c.last - c.first).as_secs_f64() * 1000.0;
        let hit = format!(
            "{} out of the storage in {took:.0} ms; the registry was not asked",
            size(zip.len() as u64)
        );
        scene.end(&[&hit]).await;
        Ok(())
    }

    async fn left(&self) -> Result<()> {
        let what = "A hangs up at a third, and nobody else is there";
        let scene = self
            .screen
            .scene(YELLOW, "include: the client leaves", what);
        let zip = modules::zip("github.com/acme/parser/v2", "v2.0.1", 3 << 20)?;
        let registry = scene.board.lane("registry", YELLOW, zip.len());
        let a = scene.board.lane("client A", CYAN, zip.len());
        let b = scene.board.lane("client B", MAGENTA, zip.len());
        let stored = scene.board.lane("storage", GREEN, zip.len());
        self.registry.publish(PARSER, zip.clone(), registry);

        let watch = tokio::spawn(storage::watch(
            self.folder.into(),
            self.file(PARSER),
            stored,
        ));
        let a = get(self.url(PARSER), a, Some(zip.len() / 3)).await?;
        watch.await??;
        self.fills.idle().await;
        let b = get(self.url(PARSER), b, None).await?;

        claim(
            zip.starts_with(&a.body) && a.body.len() < zip.len(),
            "A has a part",
        )?;
        claim(b.body == zip, "B has the zip, byte for byte")?;
        claim(
            b.cache_status == "tower-goproxy; hit",
            "B was answered from the storage",
        )?;
        claim(
            self.registry.asked(PARSER) == 1,
            "the registry was asked once",
        )?;
        scene
            .end(&["the fill went on without a client, and the next one is a hit"])
            .await;
        Ok(())
    }

    async fn direct(&self) -> Result<()> {
        let what = "a module of our own, which the rules leave to version control";
        let scene = self.screen.scene(MAGENTA, "direct", what);
        let zip = modules::zip("corp.example/tool", "v0.3.0", 1 << 20)?;
        let control = scene.board.lane("git", RED, zip.len());
        let client = scene.board.lane("client A", CYAN, zip.len());
        let stored = scene.board.lane("storage", GREEN, zip.len());
        self.version_control.publish(TOOL, zip.clone(), control);

        let before = storage::files(self.folder)?;
        let answer = get(self.url(TOOL), client, None).await?;
        claim(answer.body == zip, "the client has the zip, byte for byte")?;
        claim(answer.cache_status.is_empty(), "no storage has taken part")?;
        claim(storage::files(self.folder)? == before, "nothing was stored")?;
        claim(stored.bytes() == 0, "nothing was staged")?;
        scene
            .end(&["the inner service has answered; the storage took nothing"])
            .await;
        Ok(())
    }

    async fn excluded(&self) -> Result<()> {
        let what = "a version that nobody is to use";
        let scene = self.screen.scene(RED, "exclude", what);
        let registry = scene.board.lane("registry", YELLOW, 1);
        let client = scene.board.lane("client A", CYAN, 1);
        self.registry
            .publish(MISTAKE, Bytes::from_static(b"not to be seen"), registry);
        let answer = get(self.url(MISTAKE), client, None).await?;

        let text = String::from_utf8(answer.body)?;
        claim(answer.status == 403, "it is forbidden")?;
        claim(
            self.registry.asked(MISTAKE) == 0,
            "the registry was not asked",
        )?;
        claim(!self.file(MISTAKE).exists(), "nothing was stored")?;
        let shown = format!(
            "nothing was asked or stored; the go command shows:\n   {}",
            text.trim_end()
        );
        scene.end(&[&shown]).await;
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.proxy)
    }

    fn file(&self, path: &str) -> std::path::PathBuf {
        self.folder.join(&path[1..])
    }
}

/// Serves on a free port, and tells its address.
async fn serve(app: Router) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}"))
}

fn claim(holds: bool, what: &str) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(format!("this should hold, and does not: {what}").into()),
    }
}
