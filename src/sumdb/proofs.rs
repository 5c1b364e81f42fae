//! Tiles of a database, and what they prove.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::database::{Database, LIMIT, missing};
use super::fault::Fault;
use super::http::By;
use super::tile::{FULL, HEIGHT, Part, Tile};
use super::tree::{Plan, Proven, Tree};

impl Database {
    /// Reads parts of a tree, from stored tiles where they are right. Returns those to [`keep`](Self::keep), too.
    pub(super) async fn prove(
        &self,
        tree: &Tree,
        parts: &[Part],
        by: By,
    ) -> Result<(Proven, Vec<(Tile, Bytes)>), Fault> {
        for uses_stored in [true, false] {
            let plan = Plan::new(tree, parts).ok_or(Fault::Lies("a record is not in its tree"))?;
            let tiles = plan.tiles().to_vec();
            let read = tiles.iter().map(|tile| self.read(tile, uses_stored, by));
            let read = try_join_all(read).await?;
            let bytes: Vec<Vec<u8>> = read.iter().map(|(bytes, _)| bytes.to_vec()).collect();
            if let Ok(proven) = plan.check(&bytes) {
                let new = tiles.into_iter().zip(read);
                let new = new.filter(|(_, (_, is_stored))| !is_stored);
                return Ok((
                    proven,
                    new.map(|(tile, (bytes, _))| (tile, bytes)).collect(),
                ));
            }
            if !read.iter().any(|(_, is_stored)| *is_stored) {
                break;
            }
        }
        Err(Fault::Lies("a tile is not of its tree"))
    }

    /// Stores tiles of a tree that is of the one history.
    pub(super) async fn keep(&self, tiles: Vec<(Tile, Bytes)>) {
        for (tile, bytes) in tiles {
            self.store(&path(&tile), bytes).await;
        }
    }

    /// The bytes of a tile, which nothing proves yet, and whether they were stored.
    async fn read(&self, tile: &Tile, uses_stored: bool, by: By) -> Result<(Bytes, bool), Fault> {
        if uses_stored && let Some(bytes) = self.stored_tile(tile).await {
            return Ok((bytes, true));
        }
        let get = async |tile: Tile| {
            match self.request(tile.to_string(), tile.len(), by).await {
                Ok(bytes) if bytes.len() != tile.len() => {
                    Err(Fault::Lies("a tile has another length"))
                }
                // It says nothing about the module.
                Err(Fault::Missing(..)) => Err(Fault::Away(format!("it has no {tile}"))),
                answer => answer,
            }
        };
        // A part of a tile may go away once there is more of it.
        match get(*tile).await {
            Err(fault) if !tile.is_full() => {
                let bytes = get(tile.full()).await.map_err(|_| fault)?;
                Ok((bytes.slice(..tile.len()), false))
            }
            bytes => Ok((bytes?, false)),
        }
    }

    /// Also if more of it is stored.
    async fn stored_tile(&self, tile: &Tile) -> Option<Bytes> {
        for stored in [*tile, tile.full()] {
            if let Some(bytes) = self.stored(&path(&stored)).await
                && bytes.len() >= tile.len()
            {
                return Some(bytes.slice(..tile.len()));
            }
        }
        None
    }

    /// What it answers, to one request for all who want it. Nothing proves it yet.
    pub(super) async fn request(&self, path: String, max: usize, by: By) -> Result<Bytes, Fault> {
        let (http, key) = (Arc::clone(&self.http), format!("{by:?} {path}"));
        let get = async move { http.get(&path, max, LIMIT, by).await };
        self.requests.join(&key, get).await
    }

    /// A tile that was proved when it came.
    ///
    /// # Cancel safety
    ///
    /// The request goes on for others.
    pub(super) async fn tile(&self, tile: Tile) -> Result<Bytes, Fault> {
        if let Some(bytes) = self.stored_tile(&tile).await {
            return Ok(bytes);
        }
        let no_such_tile = || missing("no such tile");
        let wide = |tree: &Tree| {
            let wide = Tile::of_tree(tile.level, tile.index, tree.size);
            wide.filter(|wide| wide.width >= tile.width)
        };
        let head = self.head().await.map(|head| head.tree);
        let tree = match head.filter(|tree| wide(tree).is_some()) {
            Some(tree) => tree,
            None => self.latest().await?.tree,
        };
        let wide = wide(&tree).ok_or_else(no_such_tile)?;
        let first = Part {
            level: tile.level * HEIGHT,
            index: tile.index * FULL,
        };
        let (proven, new) = self.prove(&tree, &[first], By::Client).await?;
        self.keep(new).await;
        let bytes = proven.bytes(&wide).ok_or_else(no_such_tile)?;
        Ok(Bytes::from(bytes).slice(..tile.len()))
    }
}

/// Where a tile is stored. All parts of one share a path: the widest has the others, and none is left behind.
fn path(tile: &Tile) -> String {
    let end = if tile.is_full() { "" } else { ".part" };
    format!("{}{end}", tile.full())
}
