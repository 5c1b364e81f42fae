//! The address of a client, also behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use ipnet::IpNet;

use crate::BoxError;

/// The address that counts as the client's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

/// Proxies whose word on the address of a client counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trusted(Vec<IpNet>);

impl Trusted {
    pub(super) fn parse(list: &str) -> Result<Self, BoxError> {
        let entries = list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        let parsed: Result<_, BoxError> = entries
            .map(|entry| {
                let net = entry
                    .parse::<IpNet>()
                    .or_else(|_| entry.parse().map(IpAddr::into));
                net.map_err(|_| format!("--trusted-proxy {entry}: not an address or a CIDR").into())
            })
            .collect();
        parsed.map(Self)
    }

    /// The nearest address that is not a trusted proxy.
    pub(crate) fn client<B>(&self, request: &Request<B>) -> Option<IpAddr> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let mut client = peer.map(|peer| peer.0.ip().to_canonical())?;
        let headers = request.headers().get_all("x-forwarded-for").iter();
        let named: Vec<_> = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        for address in named.iter().rev() {
            if !self.0.iter().any(|net| net.contains(&client)) {
                break;
            }
            match address.parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => break,
            }
        }
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::{ConnectInfo, Request};

    use super::Trusted;

    #[test]
    fn only_trusted_proxies_say_who_the_client_is() {
        for (trusted, peer, forwarded, client) in [
            ("", "192.0.2.1:1", "198.51.100.1", "192.0.2.1"),
            (
                "192.0.2.0/24",
                "192.0.2.1:1",
                "198.51.100.1",
                "198.51.100.1",
            ),
            (
                "192.0.2.1",
                "192.0.2.1:1",
                "10.0.0.1, 198.51.100.1",
                "198.51.100.1",
            ),
            (
                "192.0.2.1, 198.51.100.1",
                "192.0.2.1:1",
                "10.0.0.1,198.51.100.1",
                "10.0.0.1",
            ),
            ("192.0.2.1", "192.0.2.1:1", "unknown", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.2:1", "10.0.0.1", "192.0.2.2"),
        ] {
            let peer: SocketAddr = peer.parse().unwrap();
            let mut request = Request::new(());
            request.extensions_mut().insert(ConnectInfo(peer));
            let value = forwarded.parse().unwrap();
            request.headers_mut().insert("x-forwarded-for", value);
            let found = Trusted::parse(trusted).unwrap().client(&request);
            assert_eq!(
                found,
                Some(client.parse().unwrap()),
                "{trusted} {forwarded}"
            );
        }
        assert!(Trusted::parse("proxy.example").is_err());
    }
}
