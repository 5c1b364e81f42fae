//! The address of a client, also behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::BoxError;

/// The address that counts as the client's. Each request has it in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr);

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

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The nearest address that is not a trusted proxy.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.ip().to_canonical();
        let headers = headers.get_all("x-forwarded-for").iter();
        let named: Vec<_> = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        for address in named.iter().rev() {
            if !self.contains(client) {
                break;
            }
            match address.parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => break,
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::HeaderMap;

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
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            let trusted = Trusted::parse(trusted).unwrap();
            let found = trusted.client(peer.parse().unwrap(), &headers);
            let client: IpAddr = client.parse().unwrap();
            assert_eq!(found, client, "{trusted:?} {forwarded}");
        }
        assert!(Trusted::parse("proxy.example").is_err());
    }
}
