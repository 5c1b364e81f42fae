//! What a client may hold, and for how long.

use std::time::Duration;

use clap::Args;

use super::descriptors::Descriptors;
use crate::seconds::seconds;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits for clients")]
pub(crate) struct LimitArgs {
    /// Close a connection that has not sent a whole request for this long: idle, or in the middle of a request head.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    client_timeout: Duration,
    /// Time limit for the TLS handshake, and for the first bytes of a connection.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    handshake_timeout: Duration,
    /// Close a connection whose client has read nothing of a response for this long.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    stall_timeout: Duration,
    /// Close a connection whose client reads more slowly than this, over each stall timeout; 0 for no limit.
    #[arg(long, value_name = "BYTES/S", default_value_t = 1024)]
    min_client_rate: u64,
    /// Largest request head.
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024, value_parser = clap::value_parser!(u32).range(1024..))]
    max_header_size: u32,
    /// Concurrent requests on one HTTP/2 connection [default: 128, fewer if few files may be open].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_streams: Option<u32>,
    /// Open connections; beyond this, the one that has been idle longest is closed; if none is idle, one of the address with the most [default: a quarter of the open files, 8192 at most].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// Concurrent requests on all connections; more get 503 [default: a quarter of the open files, 8192 at most].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_requests: Option<u32>,
    /// Share of --max-connections and of --max-requests that one client address may take; for IPv6, one /64. If several
    /// take much, each gets less. Name proxies in front with --trusted-proxy, or they count as one client.
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    max_share: u8,
    /// How often an HTTP/2 client is pinged. A connection is closed if nothing moves on it for twice this time, not even
    /// the answer to a ping.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    ping_interval: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(super) idle: Duration,
    pub(super) handshake: Duration,
    pub(super) stall: Duration,
    pub(super) min_rate: u64,
    pub(super) header_size: u32,
    pub(super) streams: u32,
    pub(super) connections: usize,
    pub(super) requests: usize,
    /// Of the two before, in percent, for one address.
    pub(super) share: u8,
    pub(super) ping: Duration,
}

impl LimitArgs {
    /// Half of the descriptors are left for everything that clients do not hold: files that are stored, registries, commands.
    pub(crate) fn limits(&self, descriptors: Descriptors) -> Limits {
        let quarter = descriptors.0 / 4;
        let share = u32::try_from(quarter.clamp(4, 8192)).unwrap_or(8192);
        let requests = self.max_requests.unwrap_or(share);
        // So that a few connections do not take all.
        let streams = (requests / 16).clamp(4, 128);
        Limits {
            idle: self.client_timeout,
            handshake: self.handshake_timeout,
            stall: self.stall_timeout,
            min_rate: self.min_client_rate,
            header_size: self.max_header_size,
            streams: self.max_streams.unwrap_or(streams),
            connections: self.max_connections.unwrap_or(share) as usize,
            requests: requests as usize,
            share: self.max_share,
            ping: self.ping_interval,
        }
    }
}

impl Limits {
    /// For an address that only a few clients need.
    pub(crate) fn for_few(self) -> Self {
        const FEW: usize = 16;
        Self {
            connections: FEW,
            requests: FEW,
            ..self
        }
    }

    /// How often a connection is looked at.
    pub(super) fn tick(&self) -> Duration {
        let shortest = self.idle.min(self.stall).min(self.ping);
        (shortest / 8).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }
}
