//! The service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::answer::{GoGetBody, Order};
use super::error::{GoGetError, InvalidSettings};
use super::settings::{Settings, is_refused};
use super::worker::Worker;
use super::{git_settings, observe};
use crate::source::{self, Area, HasArea, Tasks};

/// The future of [`GoGet`].
///
/// # Cancel safety
///
/// A command that nobody else waits for is killed.
pub type ResponseFuture = source::ResponseFuture<GoGetBody>;

/// A source that runs the go command against version control.
///
/// See the [module docs](super) for what it does. Clones of it share runs, run slots, and clones of repositories.
#[derive(Clone)]
pub struct GoGet {
    worker: Arc<Worker>,
}

impl GoGet {
    /// A source with these settings.
    ///
    /// ```
    /// use tower_goproxy::GoGet;
    /// use tower_goproxy::goget::Settings;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let goget = GoGet::new(Settings::new("/var/cache/goproxy").private("git.corp.example"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a [setting of git](Settings::git_config) or a [variable](Settings::env) may hold a secret and is for no host,
    /// or is not known. The error names it.
    pub fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        git_settings::check(&settings.secrets.git_config)?;
        if let Some((name, _)) = settings.env.iter().find(|(name, _)| is_refused(name)) {
            let name = name.to_string_lossy();
            let text = format!("variable {name} cannot be set: use another setting for it");
            return Err(InvalidSettings::new(text));
        }
        Ok(Self {
            worker: Arc::new(Worker::new(settings)),
        })
    }

    /// Checks that commands can run: the folder is writable, and there are a go command of Go 1.21 or later and git. Call
    /// it at the start; otherwise the first response says what is missing.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # use tower_goproxy::goget::Settings;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let goget = GoGet::new(Settings::new(folder.path()).go("/nonexistent/go"))?;
    /// let error = goget.check().await.unwrap_err();
    /// assert_eq!(error.to_string(), "/nonexistent/go: no such go command");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If something is missing, or a file of the settings cannot be read or has a setting that is not allowed. Without
    /// git, modules of other version control systems and of a [proxy](Settings::proxy) can still be served.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time.
    ///
    /// # Cancel safety
    ///
    /// The command that it runs is killed.
    pub async fn check(&self) -> Result<(), GoGetError> {
        self.worker.check().await
    }

    /// A handle on the runs of the go command, to await them.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # use tower_goproxy::goget::Settings;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runs = GoGet::new(Settings::new("/var/cache/goproxy"))?.runs();
    /// // ... serve, until the server is told to stop, and then:
    /// runs.idle().await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn runs(&self) -> Tasks {
        self.worker.flights.runs.clone()
    }

    /// Like `call`, with the error instead of its response.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # use tower_goproxy::goget::Settings;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let goget = GoGet::new(Settings::new("/var/cache/goproxy"))?;
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
    /// Outside of a tokio runtime with time.
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
        let worker = Arc::clone(&self.worker);
        async move {
            let answer = match order {
                Ok(order) => order.answer(&worker).await,
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
        let answer = self.answer(Order::from(&request));
        ResponseFuture::new(async { answer.await.unwrap_or_else(GoGetError::into_response) })
    }
}

/// Leaves out credentials.
impl fmt::Debug for GoGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoGet")
            .field("settings", &self.worker.settings)
            .finish_non_exhaustive()
    }
}

impl HasArea for GoGet {
    fn area(&self) -> Area {
        Area::Direct
    }
}
