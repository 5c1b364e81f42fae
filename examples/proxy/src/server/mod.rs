//! The HTTP server: connections with limits for everything that a client can hold.
//!
//! hyper has some of these limits, and not the others: its limit for a head is the one for idle connections too, and only
//! of HTTP/1; finding out which version a client speaks has none; under HTTP/2 the body of a stream without a window is not
//! polled, so that a timer inside of it never fires; and a ping that the client has not come to counts as lost. So each
//! connection has a [`watch`] from outside.

mod body;
mod connection;
mod crowd;
mod descriptors;
mod io;
mod limits;
mod listener;
mod protocol;
mod shared;
mod tls;
mod watch;

pub(crate) use self::descriptors::Descriptors;
pub(crate) use self::limits::LimitArgs;
pub(crate) use self::listener::{Server, bind};
pub(crate) use self::shared::App;
pub(crate) use self::tls::{TlsArgs, TlsConfig};
