//! From the start to the end of the process.

use std::io;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use tracing::info;

use crate::seconds::{seconds, seconds_or_none};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Running,
    /// Told to stop: not ready any more, and still taking connections.
    Draining,
    /// No new connections; what runs may end.
    Closing,
    /// Time is up.
    Cut,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Shutdown")]
pub(crate) struct LifeArgs {
    /// After SIGTERM, accept connections for this long while /readyz returns 503.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds_or_none)]
    drain_delay: Duration,
    /// After that, cut responses and fills that still run after this long.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    shutdown_timeout: Duration,
}

/// Follows the signals that end the process. The second receiver gets the second one, which ends it at once.
///
/// # Errors
///
/// Signals cannot be received.
pub(crate) fn follow(
    args: &LifeArgs,
) -> io::Result<(watch::Receiver<Stage>, oneshot::Receiver<()>)> {
    let (stage, life) = watch::channel(Stage::Running);
    let (second, at_once) = oneshot::channel();
    let args = args.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        first(&mut terminate, &mut interrupt).await;
        let stop = async {
            stage.send_replace(Stage::Draining);
            info!("stopping");
            sleep(args.drain_delay).await;
            stage.send_replace(Stage::Closing);
            sleep(args.shutdown_timeout).await;
            stage.send_replace(Stage::Cut);
            stage.closed().await;
        };
        tokio::select! {
            () = stop => {}
            () = first(&mut terminate, &mut interrupt) => second.send(()).unwrap_or_default(),
        }
    });
    Ok((life, at_once))
}

/// Returns at this stage, or a later one.
pub(crate) async fn reached(life: &mut watch::Receiver<Stage>, stage: Stage) {
    // A sender that is gone sends no more: that is the end too.
    let _ = life.wait_for(|now| *now >= stage).await;
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
