//! What happens in one scene: how many bytes are where, and who has said what.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One cell of a strip of arrivals.
pub const CELL: Duration = Duration::from_millis(150);

/// The facts of a scene. Clones share them.
#[derive(Clone)]
pub struct Board {
    start: Instant,
    facts: Arc<Mutex<Facts>>,
}

pub struct Facts {
    pub lanes: Vec<LaneFacts>,
    pub events: Vec<Event>,
}

pub struct LaneFacts {
    pub name: &'static str,
    pub color: u8,
    pub bytes: u64,
    /// How many bytes there will be.
    pub of: u64,
    /// When the latest of them arrived.
    pub at: Duration,
    /// How many bytes arrived in each [`CELL`] since the start.
    pub cells: Vec<u64>,
}

#[derive(Clone)]
pub struct Event {
    pub at: Duration,
    pub name: &'static str,
    pub color: u8,
    pub text: String,
}

/// One who sends, receives or keeps bytes.
#[derive(Clone)]
pub struct Lane {
    board: Board,
    index: usize,
}

impl Board {
    pub fn new() -> Self {
        let facts = Facts {
            lanes: Vec::new(),
            events: Vec::new(),
        };
        Self {
            start: Instant::now(),
            facts: Arc::new(Mutex::new(facts)),
        }
    }

    pub fn lane(&self, name: &'static str, color: u8, of: usize) -> Lane {
        let mut facts = self.facts();
        facts.lanes.push(LaneFacts {
            name,
            color,
            bytes: 0,
            of: of as u64,
            at: Duration::ZERO,
            cells: Vec::new(),
        });
        Lane {
            board: self.clone(),
            index: facts.lanes.len() - 1,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().expect("nobody panics while holding it")
    }
}

impl Lane {
    pub fn add(&self, bytes: usize) {
        let at = self.board.elapsed();
        let cell = (at.as_millis() / CELL.as_millis()) as usize;
        let lane = &mut self.board.facts().lanes[self.index];
        lane.at = at;
        lane.bytes += bytes as u64;
        if lane.cells.len() <= cell {
            lane.cells.resize(cell + 1, 0);
        }
        lane.cells[cell] += bytes as u64;
    }

    pub fn bytes(&self) -> u64 {
        self.board.facts().lanes[self.index].bytes
    }

    pub fn at(&self) -> Duration {
        self.board.facts().lanes[self.index].at
    }

    /// Puts a line under the lanes, and returns when that was.
    pub fn tell(&self, text: impl Into<String>) -> Duration {
        let at = self.board.elapsed();
        let mut facts = self.board.facts();
        let (name, color) = (facts.lanes[self.index].name, facts.lanes[self.index].color);
        facts.events.push(Event {
            at,
            name,
            color,
            text: text.into(),
        });
        at
    }
}
