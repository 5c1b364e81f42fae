//! The service.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tower_service::Service;

use super::backend::Backend;
use super::body::GoGetBody;
use super::clean::How;
use super::config::Config;
use super::environment::has_git;
use super::error::GoGetError;
use super::future::ResponseFuture;
use super::observe;
use super::order::Order;
use super::ready::setup;
use super::runs::Runs;
use crate::source::{Area, HasArea};

/// A source that has the go command read version control.
///
/// See the [module docs](super) for what it does. Clones share the runs, their places and the module cache.
#[derive(Clone)]
pub struct GoGet {
    backend: Arc<Backend>,
}

impl GoGet {
    /// A source that keeps its module cache, and all else that the go command writes, below `folder`.
    ///
    /// The folder is made when it is first needed, so that nobody else may look into it; one that is there stays as it
    /// is. Several processes may share one. It must not be inside of a Go module. It holds the
    /// [credentials](Self::credentials) while a command runs, and after a server was killed until the next clean-up.
    ///
    /// ```
    /// use tower_goproxy::GoGet;
    ///
    /// let goget = GoGet::new("/var/cache/goproxy").go("/usr/local/go/bin/go");
    /// ```
    #[must_use]
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self {
            backend: Arc::new(Backend::new(Config::new(folder.as_ref()))),
        }
    }

    /// The changed one starts afresh: it does not share the runs of the old one, only their places.
    pub(super) fn set(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = (*self.backend.config).clone();
        change(&mut config);
        Self {
            backend: Arc::new(Backend::new(config)),
        }
    }

    /// Whether commands can run: the folder can be written, there is a go command of Go 1.21 or later, and there is
    /// git. To be called at the start, so that what is missing is not told by the first answer.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let goget = GoGet::new(folder.path()).go("/nonexistent/go");
    /// let error = goget.check().await.unwrap_err();
    /// assert_eq!(error.to_string(), "/nonexistent/go: no such go command");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If something is missing. Without git, what the other version control systems have and what a
    /// [registry](Self::proxy) has can still be answered.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time.
    ///
    /// # Cancel safety
    ///
    /// The command that it runs is killed.
    pub async fn check(&self) -> Result<(), GoGetError> {
        self.backend.look().await?;
        if has_git(&self.backend.config) {
            return Ok(());
        }
        Err(setup("there is no git command on the PATH".to_owned())
            .showing("it has no git command"))
    }

    /// A handle on the runs of the go command, to await them.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let runs = GoGet::new("/var/cache/goproxy").runs();
    /// // ... serve, until the server has been told to stop, and then:
    /// runs.idle().await;
    /// # }
    /// ```
    #[must_use]
    pub fn runs(&self) -> Runs {
        Runs::new(self.backend.flights.running())
    }

    /// Removes from the module cache what is [too old](Self::max_cache_age), then what was not used for longest until it
    /// is [small enough](Self::max_cache_size). Returns how many bytes that was.
    ///
    /// It happens by itself after a run, every ten minutes at most, and when the disk is full. Then it keeps new commands
    /// waiting until those that run have ended: for half of [`max_wait`](Self::max_wait), and if that was too short twice,
    /// for as long as it takes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is something to remove while a command runs, of any process that shares the folder; else what
    /// the file system says.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// What has begun goes on to its end.
    pub fn clean(&self) -> impl Future<Output = io::Result<u64>> + Send + use<> {
        self.backend.clean(How {
            patience: Duration::ZERO,
            is_full: false,
        })
    }

    /// Like `call`, with the error instead of its response.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let goget = GoGet::new("/var/cache/goproxy");
    /// let request = http::Request::get("/healthz").body(())?;
    /// let error = goget.try_call(&request).await.unwrap_err();
    /// assert!(error.is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever is not a 200.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time.
    ///
    /// # Cancel safety
    ///
    /// A command that nobody else waits for is killed.
    pub fn try_call<R>(
        &self,
        request: &Request<R>,
    ) -> impl Future<Output = Result<Response<GoGetBody>, GoGetError>> + Send + use<R> {
        self.answer(Order::from(request))
    }

    fn answer(
        &self,
        order: Result<Order, GoGetError>,
    ) -> impl Future<Output = Result<Response<GoGetBody>, GoGetError>> + Send + use<> {
        let backend = Arc::clone(&self.backend);
        async move {
            let answer = match order {
                Ok(order) => order.answer(backend).await,
                Err(error) => Err(error),
            };
            answer.inspect_err(observe::failed)
        }
    }
}

impl<R> Service<Request<R>> for GoGet {
    type Response = Response<GoGetBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> ResponseFuture {
        ResponseFuture::new(self.answer(Order::from(&request)))
    }
}

/// Leaves out credentials.
impl fmt::Debug for GoGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoGet")
            .field("config", &self.backend.config)
            .finish_non_exhaustive()
    }
}

impl HasArea for GoGet {
    fn area(&self) -> Area {
        Area::Direct
    }
}
