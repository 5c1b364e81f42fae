//! Which answers shared caches may keep.

use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE};
use http::{Extensions, HeaderMap, HeaderValue};

use crate::access::identity::Identity;
#[cfg(any(feature = "fill", feature = "go-get"))]
use crate::access::value::Access;

/// Whether shared caches, such as a CDN or nginx with `proxy_cache`, may keep the responses to requests for modules.
///
/// Responses that must not be kept have `Cache-Control: private`. Responses with `no-store`, such as all errors of this
/// crate's own making, are never changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SharedCaches {
    /// `private` where the response may depend on who asks. This is the default.
    ///
    /// That is: if the request has an `Authorization` or `Cookie` header, or an `Access` or an
    /// [`Identity`](crate::access::Identity) in its extensions; if the response comes from the service for direct modules,
    /// errors included; and if the policy of a filter looks at the request
    /// ([`Policy::depends_on_request`](crate::policy::Policy::depends_on_request)). There is no `Vary`: nobody but the policy
    /// knows what it looks at, and no shared cache keeps a `private` response.
    ///
    /// Behind authentication that leaves no such mark, by client certificates for example, use [`Not`](Self::Not).
    #[default]
    Auto,
    /// Nothing is made `private`: everyone who reaches the shared cache may read every module.
    Allowed,
    /// Every response to a request for a module is `private`. For proxies behind authentication.
    Not,
}

impl SharedCaches {
    /// Whether the response to such a request has to be private. `restricted`: it is not for everyone, no matter who asks.
    pub(crate) fn makes_private(
        self,
        headers: &HeaderMap,
        extensions: &Extensions,
        restricted: bool,
    ) -> bool {
        match self {
            Self::Auto => restricted || is_personal(headers, extensions),
            Self::Allowed => false,
            Self::Not => true,
        }
    }
}

/// Whether a request tells who asks.
fn is_personal(headers: &HeaderMap, extensions: &Extensions) -> bool {
    #[cfg(any(feature = "fill", feature = "go-get"))]
    if extensions.get::<Access>().is_some() {
        return true;
    }
    extensions.get::<Identity>().is_some()
        || headers.contains_key(AUTHORIZATION)
        || headers.contains_key(COOKIE)
}

/// Whether `Cache-Control` has this directive, with or without an argument.
#[cfg(any(feature = "fill", feature = "upstream"))]
pub(crate) fn has_directive(headers: &HeaderMap, name: &str) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let mut directives = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    directives.any(|directive| {
        let found = directive.split('=').next().unwrap_or_default();
        found.trim().eq_ignore_ascii_case(name)
    })
}

/// Forbids shared caches to keep the response (RFC 9111, section 5.2.2.7). Of what the header said before, the
/// directives for a client's own cache stay.
pub(crate) fn make_private(headers: &mut HeaderMap) {
    const PRIVATE: HeaderValue = HeaderValue::from_static("private");
    let mut values = headers.get_all(CACHE_CONTROL).iter();
    // So it is mostly, and costs no allocation.
    if values.all(|value| value == PRIVATE) {
        headers.insert(CACHE_CONTROL, PRIVATE);
        return;
    }
    let (mut no_cache, mut immutable, mut max_age) = (false, false, None);
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            let (name, argument) = directive.split_once('=').unwrap_or((&directive, ""));
            match name {
                "no-store" => return,
                "no-cache" => no_cache = true,
                "immutable" => immutable = true,
                "max-age" => max_age = argument.trim_matches('"').parse::<u64>().ok(),
                _ => {}
            }
        }
    }
    let kept = [
        no_cache.then(|| "no-cache".to_owned()),
        Some("private".to_owned()),
        immutable.then(|| "immutable".to_owned()),
        max_age.map(|seconds| format!("max-age={seconds}")),
    ];
    let value = kept.into_iter().flatten().collect::<Vec<_>>().join(", ");
    // It is made of plain words; the fallback is for the compiler.
    let value = HeaderValue::try_from(value).unwrap_or(PRIVATE);
    headers.insert(CACHE_CONTROL, value);
}

#[cfg(test)]
mod tests {
    use http::header::CACHE_CONTROL;
    use http::{HeaderMap, HeaderValue};

    use super::make_private;

    #[test]
    fn what_is_for_the_clients_own_cache_stays() {
        for (values, expected) in [
            (&[][..], "private"),
            (&["public"], "private"),
            (&["no-store"], "no-store"),
            (&["Public, No-Store"], "Public, No-Store"),
            (
                &["public, max-age=31536000, immutable"],
                "private, immutable, max-age=31536000",
            ),
            (&["s-maxage=60, MAX-AGE=\"5\""], "private, max-age=5"),
            (&["public, s-maxage=60", "no-cache"], "no-cache, private"),
            (&["private=\"set-cookie, x\", max-age=x"], "private"),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
            }
            make_private(&mut headers);
            let found: Vec<_> = headers.get_all(CACHE_CONTROL).iter().collect();
            assert_eq!(found, [expected], "{values:?}");
        }
    }
}
