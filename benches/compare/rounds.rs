//! Every peer once in each round, so that all of them meet the same moods of the machine.

use crate::peers::Peer;

/// What was measured, by peer, one value a round.
#[derive(Debug)]
pub struct Rounds<T> {
    peers: Vec<(&'static str, Vec<T>)>,
}

/// Who comes after whom may matter, as one leaves a disk that is still busy. So each order is followed by its reverse, and
/// the next one is drawn; the first round of an odd number stands alone. They are the same in each run.
pub fn run<T>(rounds: usize, peers: &[Peer], mut measure: impl FnMut(&Peer) -> T) -> Rounds<T> {
    let mut measured: Vec<_> = peers.iter().map(|peer| (peer.name, Vec::new())).collect();
    let mut order: Vec<_> = (0..peers.len()).collect();
    let mut random = fastrand::Rng::with_seed(1);
    for round in 0..rounds {
        if round == 0 || (rounds - round).is_multiple_of(2) {
            random.shuffle(&mut order);
        } else {
            order.reverse();
        }
        for at in &order {
            measured[*at].1.push(measure(&peers[*at]));
        }
    }
    Rounds { peers: measured }
}

impl<T> Rounds<T> {
    /// The first round has found cold caches.
    pub fn without_first(mut self) -> Self {
        for (_, values) in &mut self.peers {
            values.remove(0);
        }
        self
    }

    pub fn peers(&self) -> impl Iterator<Item = (&'static str, &[T])> {
        self.peers.iter().map(|(name, values)| (*name, &**values))
    }

    /// No values when that peer is not there.
    pub fn of(&self, peer: &str, figure: impl Fn(&T) -> f64) -> Vec<f64> {
        let values = self.peers().find(|(name, _)| *name == peer);
        values.map_or_else(Vec::new, |(_, values)| values.iter().map(figure).collect())
    }
}
