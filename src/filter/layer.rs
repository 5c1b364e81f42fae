use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use tower_layer::Layer;

use super::config::Config;
use super::error::InvalidExcludeStatus;
use super::service::Filter;
use crate::policy::Policy;
use crate::shared_caches::SharedCaches;

/// Sends each request for a module where the rule of a policy leads: see the [module docs](super).
///
/// `include` is any `Service<Request<Empty<Bytes>>>` with `Error = Infallible`: a [`Redirect`](crate::Redirect), a `Fill`
/// around a source, or an axum router. It gets the head of a request; a request for a module has no body.
///
/// ```
/// use http::StatusCode;
/// use tower_goproxy::filter::FilterLayer;
/// use tower_goproxy::policy::{Rule, policy_fn};
/// use tower_goproxy::Redirect;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = policy_fn(|target, _| match target.module().is_within("corp.example") {
///     true => Rule::direct(),
///     false => Rule::include(),
/// });
/// let layer = FilterLayer::new(policy, Redirect::to("https://proxy.golang.org")?)
///     .exclude_status(StatusCode::NOT_FOUND)?
///     .prefix("/goproxy");
/// # Ok(())
/// # }
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone)]
pub struct FilterLayer<I> {
    include: I,
    config: Config,
}

impl<I> FilterLayer<I> {
    /// A layer for this policy, whose included requests go to this service.
    pub fn new(policy: impl Policy + 'static, include: I) -> Self {
        Self {
            include,
            config: Config {
                policy: Arc::new(policy),
                exclude_status: StatusCode::FORBIDDEN,
                prefix: Arc::default(),
                applied_rules: false,
                shared_caches: SharedCaches::Auto,
            },
        }
    }

    /// The status for an excluded module. Default: 403, which stops the go command. With 404 or
    /// 410 it continues with the next entry of `GOPROXY=ours,other`.
    ///
    /// # Errors
    ///
    /// If the status is not 4xx or 5xx.
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_goproxy::NotFound;
    /// use tower_goproxy::filter::FilterLayer;
    /// use tower_goproxy::policy::Rules;
    ///
    /// let layer = FilterLayer::new(Rules::default(), NotFound);
    /// assert!(layer.clone().exclude_status(StatusCode::GONE).is_ok());
    /// assert!(layer.exclude_status(StatusCode::OK).is_err());
    /// ```
    pub fn exclude_status(mut self, status: StatusCode) -> Result<Self, InvalidExcludeStatus> {
        if !status.is_client_error() && !status.is_server_error() {
            return Err(InvalidExcludeStatus { status });
        }
        self.config.exclude_status = status;
        Ok(self)
    }

    /// The path under which the proxy is mounted, such as `/goproxy`, if the layer sees paths that begin with it.
    /// Default: none.
    ///
    /// Both services see requests for modules without the prefix. Every other request goes to the inner service as it
    /// came: one outside of the prefix, and one below it that is not for a module.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.config.prefix = match prefix.trim_matches('/') {
            "" => Arc::default(),
            prefix => format!("/{prefix}").into(),
        };
        self
    }

    /// Whether shared caches may keep responses to requests for modules. Default: [`SharedCaches::Auto`].
    ///
    /// With authentication in front, set [`SharedCaches::Not`]:
    ///
    /// ```
    /// use tower_goproxy::filter::FilterLayer;
    /// use tower_goproxy::policy::Rules;
    /// use tower_goproxy::{NotFound, SharedCaches};
    ///
    /// let layer = FilterLayer::new(Rules::default(), NotFound).shared_caches(SharedCaches::Not);
    /// ```
    pub fn shared_caches(mut self, shared_caches: SharedCaches) -> Self {
        self.config.shared_caches = shared_caches;
        self
    }

    /// Puts an [`AppliedRule`](super::AppliedRule) into the extensions of each request for a module that is passed on,
    /// and of each response to one. Default: off, since it costs some allocations.
    ///
    /// ```
    /// use tower_goproxy::NotFound;
    /// use tower_goproxy::filter::FilterLayer;
    /// use tower_goproxy::policy::Rules;
    ///
    /// let layer = FilterLayer::new(Rules::default(), NotFound).with_applied_rules();
    /// ```
    pub fn with_applied_rules(mut self) -> Self {
        self.config.applied_rules = true;
        self
    }
}

impl<I: fmt::Debug> fmt::Debug for FilterLayer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterLayer")
            .field("include", &self.include)
            .finish_non_exhaustive()
    }
}

impl<S, I: Clone> Layer<S> for FilterLayer<I> {
    type Service = Filter<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        Filter {
            inner,
            include: self.include.clone(),
            config: self.config.clone(),
        }
    }
}
