//! The address of a client, also behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::BoxError;
use crate::shares::Owner;

/// The address that counts as the client's, and who is counted there. Each request has it in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr, pub(crate) Option<Owner>);

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
        let headers = headers.get_all("x-forwarded-for").iter().rev();
        let mut named = headers.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        while self.contains(client) {
            match named.next().and_then(forwarded) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }
}

/// An address as proxies write it: some add the port, and brackets for IPv6.
fn forwarded(text: &[u8]) -> Option<IpAddr> {
    // What the client had sent before it may be no text.
    let text = str::from_utf8(text).ok()?.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    inner.unwrap_or(text).parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderValue};

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
            (
                "192.0.2.1",
                "192.0.2.1:1",
                "198.51.100.1:4711",
                "198.51.100.1",
            ),
            (
                "192.0.2.1",
                "192.0.2.1:1",
                "[2001:db8::1]:4711, 192.0.2.1:2",
                "2001:db8::1",
            ),
            ("192.0.2.1", "192.0.2.1:1", "[2001:db8::1]", "2001:db8::1"),
            ("192.0.2.1", "192.0.2.1:1", "unknown", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.2:1", "10.0.0.1", "192.0.2.2"),
            // The client has sent the first part.
            (
                "192.0.2.1",
                "192.0.2.1:1",
                "\u{ff}, 198.51.100.1",
                "198.51.100.1",
            ),
        ] {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(forwarded.as_bytes()).unwrap();
            headers.insert("x-forwarded-for", value);
            let trusted = Trusted::parse(trusted).unwrap();
            let found = trusted.client(peer.parse().unwrap(), &headers);
            let client: IpAddr = client.parse().unwrap();
            assert_eq!(found, client, "{trusted:?} {forwarded}");
        }
        assert!(Trusted::parse("proxy.example").is_err());
    }
}
