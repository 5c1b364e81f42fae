use crate::info::Fields;

use super::time::is_time;

/// The fields of `Origin`, all of them texts.
const ORIGIN: [&str; 8] = [
    "VCS",
    "URL",
    "Subdir",
    "Hash",
    "TagPrefix",
    "TagSum",
    "Ref",
    "RepoSum",
];

/// Takes what the go command takes for a canonical version. The error is the reason.
pub(crate) fn check_info(content: &[u8], version: &str) -> Result<(), String> {
    let json = String::from_utf8_lossy(content);
    let info =
        Fields::parse(&json).map_err(|error| format!(".info is not a JSON object: {error}"))?;
    let found = info
        .text("Version")
        .ok_or(".info has a version that is not a text")?;
    if info
        .of("Time")
        .any(|time| !time.is_null() && !is_time(time.0))
    {
        return Err(".info has a malformed time".to_owned());
    }
    if info
        .of("Origin")
        .any(|origin| !origin.is_null() && !is_origin(origin.0))
    {
        return Err(".info has a malformed origin".to_owned());
    }
    match found {
        found if found == version => Ok(()),
        found if found.is_empty() => Err(".info has no version".to_owned()),
        found => Err(format!(".info has another version: {found:.100?}")),
    }
}

fn is_origin(json: &str) -> bool {
    Fields::parse(json).is_ok_and(|origin| ORIGIN.iter().all(|name| origin.text(name).is_some()))
}

#[cfg(test)]
mod tests {
    use super::check_info;

    #[test]
    fn takes_what_the_go_command_takes() {
        for info in [
            r#"{"Version":"v1.0.0"}"#,
            r#"{"version":"v1.0.0","time":"2020-01-02T03:04:05Z"}"#,
            r#"{"Version":"v1.0.0","Time":null,"Extra":[1]}"#,
            "{\"Version\":\"v1.0.0\",\"Time\":\"2020-01-02T03:04:05.678+02:00\"}\n \n",
            r#"{"Version":"v0.9.0","Version":"v1.0.0"}"#,
            r#"{"Version":"v0.9.0","version":"v1.0.0"}"#,
            r#"{"Version":"v1.0.0","Version":null}"#,
            r#"{"Version":"v1.0.0","Origin":{"VCS":"git"}}"#,
            r#"{"Version":"v1.0.0","Origin":{"vcs":null,"More":{}}}"#,
            r#"{"Version":"\u0076\u0031.0.0","X":1e999,"\ud800":"\ud800"}"#,
        ] {
            assert_eq!(check_info(info.as_bytes(), "v1.0.0"), Ok(()), "{info}");
        }
        assert_eq!(
            check_info(b"{\"Version\":\"v1.0.0\",\"\xff\":\"\xff\"}", "v1.0.0"),
            Ok(())
        );
        assert_eq!(check_info(nested(9_999).as_bytes(), "v1.0.0"), Ok(()));
    }

    #[test]
    fn refuses_what_the_go_command_refuses() {
        for info in [
            r#"{"Version":"v1.0.1"}"#,
            "{}",
            "null",
            r#"{"Version":""}"#,
            r#"{"Version":1}"#,
            r#"{"Version":"v1.0.0","version":"v1.0.1"}"#,
            r#"{"Version":1,"Version":"v1.0.0"}"#,
            r#"{"Version":"v1.0.0","Time":""}"#,
            r#"{"Version":"v1.0.0","Time":"2020-01-02"}"#,
            r#"{"Version":"v1.0.0","Time":"2020-01-02T03:04:05\u005a"}"#,
            r#"{"Version":"v1.0.0","Time":5}"#,
            r#"{"Version":"v1.0.0","Time":5,"Time":null}"#,
            r#"{"Version":"v1.0.0","Origin":"git"}"#,
            r#"{"Version":"v1.0.0","Origin":{"URL":1}}"#,
            "[]",
            r#""v1.0.0""#,
            r#"{"Version":"v1.0.0"} x"#,
            "{\"Version\":\"v1.0.0\",\"\0\":1}",
            "\u{feff}{\"Version\":\"v1.0.0\"}",
            "",
        ] {
            assert!(check_info(info.as_bytes(), "v1.0.0").is_err(), "{info}");
        }
        assert!(check_info(b"{\"Version\":\"v1.0.0\"}\xff", "v1.0.0").is_err());
        assert!(check_info(nested(10_000).as_bytes(), "v1.0.0").is_err());
    }

    fn nested(depth: usize) -> String {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"Version":"v1.0.0","X":{open}{close}}}"#)
    }
}
