//! Which addresses everybody can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a host of a URL is, without asking anybody. `localhost` is one.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse().ok()
}

/// Whether the address is none of this machine, of this link, or of a private network.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public_v4(address),
            // All that the world's networks have of it is 2000::/3.
            None => address.segments()[0] & 0xe000 == 0x2000,
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        // "This network", and multicast, reserved and broadcast addresses.
        || first == 0
        || first >= 224
        // What providers share (RFC 6598), and what protocols do (RFC 6890): both have metadata servers of clouds.
        || (first == 100 && second & 0xc0 == 64)
        || [first, second, third] == [192, 0, 0])
}

/// The IPv4 address that is meant: mapped (RFC 4291), behind the prefix of translators (RFC 6052), or of 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) = address.segments()
    else {
        return address.to_ipv4_mapped();
    };
    Some((u32::from(high) << 16 | u32::from(low)).into())
}

#[cfg(test)]
mod tests {
    use super::{is_public, literal};

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_not_public() {
        for (host, public) in [
            ("localhost", Some(false)),
            ("LOCALHOST.", Some(false)),
            ("a.localhost", Some(false)),
            ("127.0.0.1", Some(false)),
            ("127.9.9.9", Some(false)),
            ("0.0.0.0", Some(false)),
            ("10.1.2.3", Some(false)),
            ("172.31.0.1", Some(false)),
            ("172.32.0.1", Some(true)),
            ("192.168.0.1", Some(false)),
            ("169.254.169.254", Some(false)),
            ("100.64.0.1", Some(false)),
            ("100.128.0.1", Some(true)),
            ("8.8.8.8", Some(true)),
            ("[::1]", Some(false)),
            ("[::]", Some(false)),
            ("[fd00::1]", Some(false)),
            ("[fe80::1]", Some(false)),
            ("[::ffff:10.0.0.1]", Some(false)),
            ("[64:ff9b::7f00:1]", Some(false)),
            ("[64:ff9b::808:808]", Some(true)),
            ("[64:ff9b:1::808:808]", Some(false)),
            ("[2002:7f00:1::1]", Some(false)),
            ("[2002:808:808::1]", Some(true)),
            ("[::127.0.0.1]", Some(false)),
            ("[fec0::1]", Some(false)),
            ("[ff02::1]", Some(false)),
            ("224.0.0.1", Some(false)),
            ("240.0.0.1", Some(false)),
            ("255.255.255.255", Some(false)),
            ("192.0.0.192", Some(false)),
            ("192.0.1.1", Some(true)),
            ("[2001:4860:4860::8888]", Some(true)),
            ("a.example", None),
        ] {
            assert_eq!(literal(host).map(is_public), public, "{host}");
        }
    }
}
