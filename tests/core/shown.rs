//! What layers, services and errors say of themselves.

use std::error::Error as _;

use tower_goproxy::fill::FillLayer;
use tower_goproxy::{Storage, Target};

use crate::scene::{always, fetch, layer, mod_file, proxy, registry};
use crate::support::Answer;
use crate::support::faulty_store::{Fault, FaultyStore, Step};

on_each_storage! {
    async fn a_layer_is_shown_without_what_is_stored(storage: Storage) {
        let filled = layer(storage.clone());
        fetch(&proxy(&filled, &registry()), &mod_file(0)).await.assert_status(200);
        filled.fills().idle().await;
        assert_eq!(
            format!("{filled:?}"),
            "FillLayer { storage: Storage { .. }, area: Included, .. }"
        );
        assert_eq!(
            format!("{:?}", FillLayer::new(storage)),
            "FillLayer { storage: Storage { .. }, area: AreaOfSource, .. }"
        );
    }
}

#[tokio::test]
async fn the_source_of_a_fill_can_be_reached() {
    let mut fill = proxy(&layer(Storage::memory()), &registry());
    *fill.get_mut() = always(Answer::text(http::StatusCode::GONE, "another source"));
    fetch(&fill, &mod_file(0)).await.assert_status(410);
    assert_eq!(fill.get_ref().requests().total(), 1);
    assert_eq!(fill.into_inner().requests().total(), 1);
}

#[tokio::test]
async fn an_error_of_a_storage_keeps_what_its_store_said() {
    let storage = Storage::new(FaultyStore::new(Step::Put, Fault::Fail));
    let path = mod_file(0);
    let target = Target::parse(&path).unwrap().unwrap();
    let error = storage.remove(&target, "malware").await.unwrap_err();
    let source = error.source().expect("an error of the store");
    assert!(source.is::<object_store::Error>(), "{source}");
}
