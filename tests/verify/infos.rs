//! What an `.info` may be.

use crate::check::whole;

#[tokio::test]
async fn an_info_is_for_its_version() {
    let path = "/a.b/!c/@v/v1.0.0-!rc.info";
    let right = br#"{"Version":"v1.0.0-Rc","Time":"2020-01-02T03:04:05Z"}"#;
    assert_eq!(whole(path, right).await, Ok(None));
    let reason = whole(path, br#"{"Version":"v1.0.0-rc"}"#)
        .await
        .unwrap_err();
    assert_eq!(reason, r#".info has another version: "v1.0.0-rc""#);
}

#[tokio::test]
async fn of_two_spellings_of_a_name_the_later_one_counts() {
    let path = "/a.b/c/@v/v1.0.0.info";
    let first = br#"{"Version":"v1.0.0","version":"v1.0.1"}"#;
    let last = br#"{"Version":"v1.0.1","version":"v1.0.0"}"#;
    assert!(whole(path, first).await.is_err());
    assert!(whole(path, last).await.is_ok());
}
