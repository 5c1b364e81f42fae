//! How much of what all clients share one address may take.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// An address that is counted. Whoever has one of IPv6 has all of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner(IpAddr);

impl Owner {
    pub(super) fn of(address: IpAddr) -> Self {
        const NETWORK: u128 = !0 << 64;
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
            address => address,
        })
    }
}

/// Places for all, and the most that one owner may take of them.
#[derive(Debug)]
pub(super) struct Shares {
    all: usize,
    one: usize,
    taken: usize,
    by_owner: HashMap<Owner, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    ForAll,
    ForOne,
}

impl Shares {
    /// `percent`: what one owner may take of all places.
    pub(super) fn new(all: usize, percent: u8) -> Self {
        Self {
            all,
            one: (all * usize::from(percent) / 100).max(1),
            taken: 0,
            by_owner: HashMap::new(),
        }
    }

    /// Why there is no place for this owner. `None` as an owner is for everyone whose address does not count.
    pub(super) fn full(&self, owner: Option<Owner>) -> Option<Full> {
        let taken = owner.and_then(|owner| self.by_owner.get(&owner));
        if taken.is_some_and(|taken| *taken >= self.one) {
            return Some(Full::ForOne);
        }
        (self.taken >= self.all).then_some(Full::ForAll)
    }

    pub(super) fn take(&mut self, owner: Option<Owner>) {
        self.taken += 1;
        if let Some(owner) = owner {
            *self.by_owner.entry(owner).or_default() += 1;
        }
    }

    pub(super) fn give_back(&mut self, owner: Option<Owner>) {
        self.taken -= 1;
        if let Some(owner) = owner
            && let Some(taken) = self.by_owner.get_mut(&owner)
        {
            *taken -= 1;
            if *taken == 0 {
                self.by_owner.remove(&owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Full, Owner, Shares};

    fn owner(address: &str) -> Option<Owner> {
        Some(Owner::of(address.parse().unwrap()))
    }

    #[test]
    fn one_address_leaves_places_to_others() {
        let mut shares = Shares::new(4, 50);
        let (a, b) = (owner("192.0.2.1"), owner("192.0.2.2"));
        for _ in 0..2 {
            assert_eq!(shares.full(a), None);
            shares.take(a);
        }
        assert_eq!(shares.full(a), Some(Full::ForOne));
        assert_eq!(shares.full(b), None);
        shares.take(b);
        shares.take(None);
        assert_eq!(shares.full(b), Some(Full::ForAll));
        assert_eq!(shares.full(None), Some(Full::ForAll));
        shares.give_back(a);
        assert_eq!(shares.full(a), None);
    }

    #[test]
    fn an_address_of_ipv6_is_its_network() {
        assert_eq!(owner("2001:db8::1"), owner("2001:db8::ffff:2"));
        assert_ne!(owner("2001:db8::1"), owner("2001:db8:0:1::1"));
        assert_eq!(owner("::ffff:192.0.2.1"), owner("192.0.2.1"));
        assert_ne!(owner("192.0.2.1"), owner("192.0.2.2"));
    }
}
