//! How much of what all clients share one address may take.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// An address that is counted. Whoever has one of IPv6 has all of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner(IpAddr);

impl Owner {
    pub(crate) fn of(address: IpAddr) -> Self {
        const NETWORK: u128 = !0 << 64;
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
            address => address,
        })
    }
}

/// Places for all, and the share that one owner may take of them.
#[derive(Debug)]
pub(crate) struct Shares {
    all: usize,
    percent: usize,
    taken: usize,
    by_owner: HashMap<Owner, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    ForAll,
    ForOne,
}

impl Shares {
    /// `percent`: what one owner may take of all places.
    pub(crate) fn new(all: usize, percent: u8) -> Self {
        Self {
            all,
            percent: percent.into(),
            taken: 0,
            by_owner: HashMap::new(),
        }
    }

    /// Why there is no place for this owner. `None` as an owner is for everyone whose address does not count.
    pub(crate) fn full(&self, owner: Option<Owner>) -> Option<Full> {
        let one = (self.all * self.percent / 100).max(1);
        if owner.is_some() && self.taken_by(owner) >= one {
            return Some(Full::ForOne);
        }
        (self.taken >= self.all).then_some(Full::ForAll)
    }

    /// For places that cannot be taken back: whether this owner may have one more. The more are taken, the fewer are for each
    /// owner, so that there are some for the next one. At 50 %, one gets half of all, and two at once get a third each.
    pub(crate) fn leaves_some(&self, owner: Option<Owner>) -> bool {
        let free = self.all.saturating_sub(self.taken);
        self.taken_by(owner) * (100 - self.percent) < free * self.percent
    }

    /// The owner that has the most places, if taking one of them for this owner makes the two more equal.
    pub(crate) fn larger_than(&self, owner: Option<Owner>) -> Option<Owner> {
        let largest = self.by_owner.iter().max_by_key(|(_, taken)| **taken);
        let (largest, taken) = largest?;
        (*taken > self.taken_by(owner) + 1).then_some(*largest)
    }

    fn taken_by(&self, owner: Option<Owner>) -> usize {
        let taken = owner.and_then(|owner| self.by_owner.get(&owner));
        taken.copied().unwrap_or(0)
    }

    pub(crate) fn take(&mut self, owner: Option<Owner>) {
        self.taken += 1;
        if let Some(owner) = owner {
            *self.by_owner.entry(owner).or_default() += 1;
        }
    }

    pub(crate) fn give_back(&mut self, owner: Option<Owner>) {
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
    fn many_addresses_together_leave_places_to_others() {
        for (percent, expected) in [(50, [6, 3, 2]), (100, [12, 0, 0]), (1, [1, 1, 1])] {
            let mut shares = Shares::new(12, percent);
            for (address, expected) in ["192.0.2.1", "192.0.2.2", "192.0.2.3"].iter().zip(expected)
            {
                let mut taken = 0;
                while shares.leaves_some(owner(address)) {
                    shares.take(owner(address));
                    taken += 1;
                }
                assert_eq!(taken, expected, "{address} at {percent} %");
            }
        }
    }

    #[test]
    fn only_a_larger_owner_makes_room() {
        let mut shares = Shares::new(4, 50);
        let (a, b) = (owner("192.0.2.1"), owner("192.0.2.2"));
        shares.take(a);
        assert_eq!(shares.larger_than(b), None);
        shares.take(a);
        assert_eq!(shares.larger_than(b), a);
        assert_eq!(shares.larger_than(None), a);
        shares.take(b);
        assert_eq!(shares.larger_than(b), None);
        assert_eq!(shares.larger_than(a), None);
    }

    #[test]
    fn an_address_of_ipv6_is_its_network() {
        assert_eq!(owner("2001:db8::1"), owner("2001:db8::ffff:2"));
        assert_ne!(owner("2001:db8::1"), owner("2001:db8:0:1::1"));
        assert_eq!(owner("::ffff:192.0.2.1"), owner("192.0.2.1"));
        assert_ne!(owner("192.0.2.1"), owner("192.0.2.2"));
    }
}
