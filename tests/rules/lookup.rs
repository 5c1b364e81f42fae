
#[test]
fn the_line_that_excludes_is_named() {
    let rules = rules("# ours\n+\n- example.com\n- example.com/m <v1.2.0,v1.5.0\nD example.com/m/private\n");
    for (path, line) in [
        ("/example.org/m/@v/v1.0.0.zip", None),
        ("/example.com/other/@v/list", Some(3)),
        ("/example.com/m/@v/v1.1.0.zip", Some(4)),
        ("/example.com/m/@v/v1.3.0.zip", Some(3)),
        ("/example.com/m/private/@v/v1.0.0.mod", None),
    ] {
        let target = Target::parse(path).unwrap().unwrap();
        assert_eq!(rules.excluded_by(&target), line, "{path}");
    }
    let target = Target::parse("/example.com/m/@v/list").unwrap().unwrap();
    assert_eq!(Rules::default().excluded_by(&target), None);
}
