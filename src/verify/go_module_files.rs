use std::io::Read;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::failed::Failed;
use super::info::check_info;
use super::module_file::check_module_file;
use super::traits::{Verified, Verify, VerifyFuture, Verifying};
use super::whole_file::WholeFile;
use super::zip::check_zip;
use crate::target::{Resource, Target};

/// The built-in check: a file must be one that the go command accepts for its target.
///
/// | file | must |
/// |---|---|
/// | `.info` | be a JSON object with the version of the request; `Time` and `Origin`, if there, must be well-formed |
/// | `.mod` | have a `module` line |
/// | `.zip` | open as a zip of at most 200,000 files with a list of at most 32 MiB; every name must begin with `{module}@{version}/` |
///
/// It runs on tokio's blocking threads and needs a tokio runtime.
#[derive(Clone, Debug, Default)]
pub struct GoModuleFiles(());

impl GoModuleFiles {
    /// The built-in check.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

impl Verify for GoModuleFiles {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        Box::new(GoModuleFile(target.clone().into_owned()))
    }
}

struct GoModuleFile(Target<'static>);

impl GoModuleFile {
    fn check(&self, mut file: WholeFile) -> Result<(), Failed> {
        let Some(version) = self.0.version() else {
            return Ok(());
        };
        if self.0.resource() == Resource::Zip {
            let prefix = format!("{}@{}/", self.0.module(), version.unescaped());
            return check_zip(&file, &prefix);
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        match self.0.resource() {
            Resource::Info => check_info(&content, &version.unescaped()).map_err(Failed::Rejected),
            _ => Ok(check_module_file(&content)?),
        }
    }
}

impl Verifying for GoModuleFile {
    fn update(&mut self, _: &Bytes) {}

    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture {
        Box::pin(async move {
            match spawn_blocking(move || self.check(file)).await {
                Ok(Ok(())) => Verified::Passed,
                Ok(Err(Failed::Rejected(reason))) => Verified::Rejected(reason),
                Ok(Err(Failed::Unreadable(error))) => {
                    Verified::Unknown(format!("cannot read the file: {error}"))
                }
                // A parser that panics on a file has not passed it.
                Err(error) if error.is_panic() => Verified::Rejected(error.to_string()),
                Err(shutdown) => Verified::Unknown(shutdown.to_string()),
            }
        })
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
