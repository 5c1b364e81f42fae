//! Module paths, versions and request paths: what is taken has two forms of one meaning, and stays inside of a storage.

use tower_goproxy::Target;
use tower_goproxy::module::{ModulePath, Version, check};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(path) = ModulePath::new(text) {
        assert_eq!(path.unescaped(), text);
        let again = ModulePath::from_escaped(path.escaped()).expect("it was escaped");
        assert_eq!(again, path);
        assert_inside(path.escaped());
        assert!(path.is_within(text));
    }
    if let Ok(path) = ModulePath::from_escaped(text) {
        assert_eq!(ModulePath::new(path.unescaped()).as_ref(), Ok(&path));
        assert_inside(text);
    }
    if let Ok(version) = Version::new(text) {
        assert_eq!(version.unescaped(), text);
        let again = Version::from_escaped(version.escaped()).expect("it was escaped");
        assert_eq!(again, version);
        let module = ModulePath::new("example.com/m").unwrap();
        let _ = check(&module, &version);
    }
    if let Ok(version) = Version::from_escaped(text) {
        assert_eq!(Version::new(version.unescaped()).as_ref(), Ok(&version));
        assert!(!text.contains('/'), "{text}");
    }
    if let Ok(Some(target)) = Target::parse(text) {
        let uri = target.to_uri_path();
        let again = Target::parse(&uri).expect("its own path is right");
        assert_eq!(again.as_ref(), Some(&target));
        assert!(uri.parse::<http::Uri>().is_ok(), "{uri}");
        assert_inside(target.as_str());
    }
}

/// No part of it leads out of a folder, or beside what belongs to modules.
fn assert_inside(path: &str) {
    for part in path.split('/') {
        assert!(!matches!(part, "" | "." | ".."), "{path}");
    }
    assert!(!path.starts_with(['@', '.', '/']), "{path}");
    assert!(!path.contains(['\\', '\0', '\n']), "{path}");
}
