use std::io::Read;
use std::pin::Pin;

use bytes::Bytes;

use super::bounds::Bounds;
use super::dirhash::Dirhash;
use super::failed::Failed;
use super::info::check_info;
use super::module_file::check_module_file;
use super::traits::{Verified, Verify, VerifyFuture, Verifying};
use super::whole_file::WholeFile;
use super::zip::h1;
use super::zip_check::ZipCheck;
use crate::target::{Resource, Target};

/// The built-in check: a file must be one that the go command accepts for its target.
///
/// | file | must |
/// |---|---|
/// | `.info` | be a JSON object with the version of the request; `Time` and `Origin`, if there, must be what Go reads |
/// | `.mod` | have the syntax of a `go.mod` and one `module` line |
/// | `.zip` | follow the rules of [golang.org/x/mod/zip](https://pkg.go.dev/golang.org/x/mod/zip), with the checksum of each file |
///
/// Where the go command has no bound, a zip has one: at most 200,000 files, with names of 16 MiB in all, which are not packed
/// more than a few times into each other.
///
/// Zips are unpacked and hashed while they arrive, as many at once as there are processors, and with at most 64 MiB of memory
/// in all. Clones share these bounds. It needs a tokio runtime.
#[derive(Clone, Debug, Default)]
pub struct GoModuleFiles(Bounds);

impl GoModuleFiles {
    /// The built-in check.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Verify for GoModuleFiles {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        let bounds = self.0.clone();
        // Only files of a version are checked.
        let version = target.version();
        let version = version.map(|version| version.unescaped().into_owned());
        let version = version.unwrap_or_default();
        if target.resource() == Resource::Zip {
            let prefix = format!("{}@{version}/", target.module());
            return Box::new(Zip(ZipCheck::new(prefix, bounds)));
        }
        Box::new(Small {
            version,
            is_info: target.resource() == Resource::Info,
            bounds,
        })
    }

    fn follows_stream(&self) -> bool {
        true
    }
}

/// An `.info` or a `.mod`.
struct Small {
    version: String,
    is_info: bool,
    bounds: Bounds,
}

impl Verifying for Small {
    fn update(&mut self, _: &Bytes) {}

    fn finish(self: Box<Self>, mut file: WholeFile) -> VerifyFuture {
        Box::pin(async move {
            let dirhash = file.dirhash().clone();
            let (is_info, version) = (self.is_info, self.version);
            let check = move || {
                let mut content = Vec::new();
                file.read_to_end(&mut content)?;
                if is_info {
                    check_info(&content, &version).map_err(Failed::Rejected)?;
                } else {
                    check_module_file(&content)?;
                    dirhash.set(h1::of_module_file(&content));
                }
                Ok(())
            };
            verified(self.bounds.run(check).await.flatten())
        })
    }
}

struct Zip(ZipCheck);

impl Verifying for Zip {
    fn update(&mut self, bytes: &Bytes) {
        self.0.update(bytes);
    }

    fn ready(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.0.ready())
    }

    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture {
        Box::pin(async move {
            let dirhash = file.dirhash().clone();
            let found = self.0.finish(file).await;
            verified(found.map(|hash| dirhash.set(hash)))
        })
    }

    fn finish_stream(self: Box<Self>, dirhash: Dirhash) -> VerifyFuture {
        Box::pin(async move {
            match self.0.finish_stream().await {
                Ok(None) => Verified::Unknown(".zip can only be checked as a whole".to_owned()),
                found => verified(found.map(|hash| dirhash.set(hash.unwrap_or_default()))),
            }
        })
    }
}

fn verified(checked: Result<(), Failed>) -> Verified {
    match checked {
        Ok(()) => Verified::Passed,
        Err(Failed::Rejected(reason)) => Verified::Rejected(reason),
        Err(Failed::Unreadable(error)) => {
            Verified::Unknown(format!("cannot read the file: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use bytes::Bytes;

    use super::super::whole_file::ReadAt;
    use super::{GoModuleFiles, Target, Verified, Verify, WholeFile};

    async fn verify(path: &str, file: WholeFile) -> Verified {
        let target = Target::parse(path).unwrap().unwrap();
        let mut verifying = GoModuleFiles::new().start(&target);
        verifying.update(&Bytes::new());
        verifying.finish(file).await
    }

    async fn verify_text(path: &str, content: &'static str) -> Verified {
        verify(path, Bytes::from(content).into()).await
    }

    #[tokio::test]
    async fn each_file_has_its_rules() {
        let info = r#"{"Version":"v1.0.0-Rc"}"#;
        for (file, right, wrong) in [
            ("/a.b/!c/@v/v1.0.0-!rc.info", info, "{}"),
            ("/a.b/!c/@v/v1.0.0-!rc.mod", "module x", info),
        ] {
            assert_eq!(verify_text(file, right).await, Verified::Passed);
            let refused = verify_text(file, wrong).await;
            assert!(matches!(refused, Verified::Rejected(_)), "{refused:?}");
        }
        let refused = verify_text("/a.b/!c/@v/v1.0.0.zip", "module x").await;
        let reason = ".zip has no end record".to_owned();
        assert_eq!(refused, Verified::Rejected(reason));
    }

    /// Fails each read: with an error, or by a panic.
    struct Broken(Option<io::ErrorKind>);

    impl ReadAt for Broken {
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(self.0.expect("a panic that a test wants").into())
        }

        fn len(&self) -> u64 {
            100
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_unknown_and_a_panic_is_a_rejection() {
        for path in ["/a.b/c/@v/v1.0.0.mod", "/a.b/c/@v/v1.0.0.zip"] {
            let broken = |kind| WholeFile::new(Arc::new(Broken(kind)));
            let unknown = verify(path, broken(Some(io::ErrorKind::PermissionDenied))).await;
            assert!(matches!(unknown, Verified::Unknown(_)), "{unknown:?}");
            let refused = verify(path, broken(None)).await;
            assert!(matches!(refused, Verified::Rejected(_)), "{refused:?}");
        }
    }
}
