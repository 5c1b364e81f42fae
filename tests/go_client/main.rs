//! The real go command as the client: of a plain registry first, then of a proxy in front of it.

#[path = "../support/mod.rs"]
mod support;

#[cfg(all(feature = "fill", feature = "upstream"))]
mod apps;
#[cfg(all(feature = "fill", feature = "upstream"))]
mod excluded;
#[cfg(all(feature = "fill", feature = "upstream"))]
mod filtered;
#[cfg(all(feature = "fill", feature = "upstream"))]
mod proxy;
mod registry;
#[cfg(all(feature = "fill", feature = "upstream"))]
mod seeded;
#[cfg(all(feature = "fill", feature = "upstream"))]
mod through;
