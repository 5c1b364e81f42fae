use std::io::Read;

use bytes::Bytes;

use super::bounds::Bounds;
use super::failed::{Failed, verified};
use super::info::check_info;
use super::module_file::check_module_file;
use super::traits::{Verify, VerifyFuture, Verifying};
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
        let version = version.map_or(String::new(), |version| version.unescaped().into_owned());
        if target.resource() == Resource::Zip {
            let prefix = format!("{}@{version}/", target.module());
            return Box::new(ZipCheck::new(prefix, bounds));
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

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor, Write as _};
    use std::sync::Arc;

    use bytes::Bytes;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::traits::Verified;
    use super::super::whole_file::ReadAt;
    use super::{GoModuleFiles, Target, Verify, WholeFile};

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

    /// Has its last bytes alone.
    struct LastBytes {
        zip: Vec<u8>,
        from: u64,
    }

    impl ReadAt for LastBytes {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset < self.from {
                return Err(io::ErrorKind::NotFound.into());
            }
            let mut rest = &self.zip[offset as usize..];
            io::Read::read(&mut rest, buffer)
        }

        fn len(&self) -> u64 {
            self.zip.len() as u64
        }
    }

    /// So that little is left to do after the last byte.
    #[tokio::test]
    async fn what_was_followed_is_not_read_again() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for number in 0..500_u32 {
            let name = format!("a.b/c@v1.0.0/{number}.go");
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            let noise = (0..3000).map(|at| (at * at + number).wrapping_mul(2_654_435_761) >> 24);
            zip.write_all(&noise.map(|byte| byte as u8).collect::<Vec<_>>())
                .unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        let target = Target::parse("/a.b/c/@v/v1.0.0.zip").unwrap().unwrap();
        let mut verifying = GoModuleFiles::new().start(&target);
        for piece in zip.chunks(50_000) {
            verifying.update(&Bytes::copy_from_slice(piece));
            verifying.ready().await;
        }
        let from = zip.len() as u64 - 130_000;
        let last = WholeFile::new(Arc::new(LastBytes { zip, from }));
        let dirhash = last.dirhash().clone();
        assert_eq!(verifying.finish(last).await, Verified::Passed);
        assert!(dirhash.get().is_some());
    }
}
