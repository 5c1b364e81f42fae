//! Checks passwords, which is slow by design, on threads of its own and few at once.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::per_address::PerAddress;
use crate::places::Places;
use crate::shares::{Owner, Shares};

/// How many passwords are checked at once.
const AT_ONCE: usize = 2;
/// How many are checked or wait for that.
const PLACES: usize = 256;
/// How many of these one address may have, in percent.
const SHARE: u8 = 50;

#[derive(Debug)]
pub(super) struct Checker {
    /// Of each address, one waits in front of those of all: so addresses take turns.
    first: PerAddress,
    checks: Arc<Semaphore>,
    places: Arc<Places>,
}

impl Checker {
    pub(super) fn new() -> Self {
        Self {
            first: PerAddress::new(1),
            checks: Arc::new(Semaphore::new(AT_ONCE)),
            places: Places::new(Shares::new(PLACES, SHARE)),
        }
    }

    /// `None` if too many wait. A check that has begun goes on without its client, and counts until it has ended.
    pub(super) async fn run(
        &self,
        owner: Option<Owner>,
        check: impl FnOnce() -> bool + Send + 'static,
    ) -> Option<bool> {
        let place = self.places.take(owner)?;
        let first = self.first.of(owner).acquire_owned().await.ok()?;
        let turn = Arc::clone(&self.checks).acquire_owned().await.ok()?;
        drop(first);
        let checked = spawn_blocking(move || {
            let _held = (place, turn);
            check()
        });
        checked.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::{Arc, Mutex, mpsc};

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::sync::mpsc::unbounded_channel;

    use super::Checker;
    use crate::shares::Owner;

    /// An owner by the last number of its address.
    fn owner(number: u8) -> Option<Owner> {
        Some(Owner::of([192, 0, 2, number].into()))
    }

    #[tokio::test]
    async fn two_are_checked_at_once_and_addresses_take_turns() {
        let checker = Checker::new();
        let (begun, mut begins) = unbounded_channel();
        let (end, ends) = mpsc::channel::<()>();
        let ends = Arc::new(Mutex::new(ends));
        let check = |name: &'static str| {
            let (begun, ends) = (begun.clone(), Arc::clone(&ends));
            move || {
                begun.send(name).unwrap();
                ends.lock().unwrap().recv().is_ok()
            }
        };
        let mut guesses = pin!(join_all(
            ["1", "2", "3", "4", "5"].map(|name| checker.run(owner(1), check(name)))
        ));
        assert_eq!(guesses.as_mut().now_or_never(), None);
        let mut other = pin!(checker.run(owner(2), check("other")));
        assert_eq!(other.as_mut().now_or_never(), None);
        assert_eq!(checker.run(owner(3), check("left")).now_or_never(), None);
        let mut order = vec![begins.recv().await.unwrap(), begins.recv().await.unwrap()];
        order.sort_unstable();
        assert_eq!(order, ["1", "2"]);
        assert!(begins.try_recv().is_err());
        let rest = async {
            let mut order = Vec::new();
            for _ in 0..4 {
                end.send(()).unwrap();
                order.push(begins.recv().await.unwrap());
            }
            end.send(()).unwrap();
            end.send(()).unwrap();
            order
        };
        let (order, guessed, other) = tokio::join!(rest, guesses, other);
        assert_eq!(order, ["3", "other", "4", "5"]);
        assert_eq!((guessed, other), (vec![Some(true); 5], Some(true)));
    }

    /// Checks that run until the sender is dropped.
    fn held() -> (
        mpsc::Sender<()>,
        impl Fn() -> Box<dyn FnOnce() -> bool + Send>,
    ) {
        let (end, ends) = mpsc::channel::<()>();
        let ends = Arc::new(Mutex::new(ends));
        let check = move || -> Box<dyn FnOnce() -> bool + Send> {
            let ends = Arc::clone(&ends);
            Box::new(move || ends.lock().unwrap().recv().is_err())
        };
        (end, check)
    }

    /// More of them than a stack has room for.
    #[tokio::test]
    async fn clients_that_leave_while_they_wait_are_passed_over() {
        let checker = Checker::new();
        let (end, check) = held();
        let running = [(); 2].map(|()| Box::pin(checker.run(owner(1), check())));
        let mut running = pin!(join_all(running));
        assert_eq!(running.as_mut().now_or_never(), None);
        for _ in 0..100_000 {
            assert_eq!(checker.run(owner(1), check()).now_or_never(), None);
        }
        let mut last = pin!(checker.run(owner(1), check()));
        assert_eq!(last.as_mut().now_or_never(), None);
        drop(end);
        assert_eq!(running.await, [Some(true); 2]);
        assert_eq!(last.await, Some(true));
    }

    #[tokio::test]
    async fn one_address_does_not_take_all_places() {
        let checker = Checker::new();
        let (end, check) = held();
        let mut waiting = Vec::new();
        let full = loop {
            let mut guess = Box::pin(checker.run(owner(1), check()));
            match guess.as_mut().now_or_never() {
                None => waiting.push(guess),
                Some(answer) => break answer,
            }
        };
        assert_eq!((full, waiting.len()), (None, 128));
        let mut other = Box::pin(checker.run(owner(2), check()));
        assert_eq!(other.as_mut().now_or_never(), None);
        drop(end);
        let (_, other) = tokio::join!(join_all(waiting), other);
        assert_eq!(other, Some(true));
    }
}
