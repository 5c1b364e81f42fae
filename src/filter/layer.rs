use std::sync::Arc;

use http::StatusCode;
use tower_layer::Layer;

use super::config::Config;
use super::service::Filter;

/// Sends each request where a policy says: see the [module docs](super).
///
/// `include` is any service with `Error = Infallible`: a [`Redirect`](crate::Redirect), a
/// `Fill` around a source, or an axum router.
///
/// ```
/// use http::{StatusCode, request};
/// use tower_goproxy::filter::FilterLayer;
/// use tower_goproxy::policy::Rule;
/// use tower_goproxy::{Redirect, Target};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any function of the target and of the request's parts is a policy.
/// let policy = |target: &Target<'_>, _: &request::Parts| {
///     match target.module().unescaped().starts_with("corp.example/") {
///         true => Rule::Direct,
///         false => Rule::Include,
///     }
/// };
/// let layer = FilterLayer::new(policy, Redirect::to("https://proxy.golang.org")?)
///     .exclude_status(StatusCode::NOT_FOUND)
///     .prefix("/goproxy");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct FilterLayer<P, I> {
    config: Config<P>,
    include: I,
}

impl<P, I> FilterLayer<P, I> {
    /// A layer for this policy, whose included requests go to this service.
    pub fn new(policy: P, include: I) -> Self {
        Self {
            config: Config {
                policy: Arc::new(policy),
                exclude_status: StatusCode::FORBIDDEN,
                prefix: Arc::default(),
                verdicts: false,
            },
            include,
        }
    }

    /// How an excluded module is refused. Default: 403, which stops the go command. With 404 or
    /// 410 it goes on to the next entry of `GOPROXY=ours,other`.
    ///
    /// A status that refuses nothing, since it is no 4xx or 5xx, leaves it at 403.
    pub fn exclude_status(mut self, status: StatusCode) -> Self {
        let refuses = status.is_client_error() || status.is_server_error();
        self.config.exclude_status = if refuses {
            status
        } else {
            StatusCode::FORBIDDEN
        };
        self
    }

    /// Where the proxy is mounted, if paths come here with a prefix, as `/goproxy`. Default: none.
    ///
    /// Requests outside of it are none for a module proxy. The include service sees paths without
    /// it; the inner service sees every request as it came.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.config.prefix = match prefix.trim_matches('/') {
            "" => Arc::default(),
            prefix => format!("/{prefix}").into(),
        };
        self
    }
}

impl<P, I> FilterLayer<P, I> {
    /// Puts a [`Verdict`](super::Verdict) into the extensions of each request for a module that goes on, and of each
    /// response to one. Default: not, since each costs some allocations.
    ///
    /// ```
    /// use tower_goproxy::Redirect;
    /// use tower_goproxy::filter::FilterLayer;
    /// use tower_goproxy::policy::Rules;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let include = Redirect::to("https://proxy.golang.org")?;
    /// let layer = FilterLayer::new(Rules::default(), include).with_verdicts();
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_verdicts(mut self) -> Self {
        self.config.verdicts = true;
        self
    }
}

impl<P, I: Clone> Clone for FilterLayer<P, I> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            include: self.include.clone(),
        }
    }
}

impl<S, P, I: Clone> Layer<S> for FilterLayer<P, I> {
    type Service = Filter<S, I, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Filter::new(inner, self.include.clone(), self.config.clone())
    }
}
