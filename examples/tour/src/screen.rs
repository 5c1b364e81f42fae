//! Shows a board: live on a terminal, as lines in a log.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::board::{Board, CELL, Event, LaneFacts};

pub const RED: u8 = 31;
pub const GREEN: u8 = 32;
pub const YELLOW: u8 = 33;
pub const BLUE: u8 = 34;
pub const MAGENTA: u8 = 35;
pub const CYAN: u8 = 36;

const BAR: usize = 16;
const STRIP: usize = 36;

/// Where the show is seen.
#[derive(Clone, Copy)]
pub struct Screen {
    live: bool,
    colors: bool,
}

/// A scene that is being shown.
pub struct Scene {
    pub board: Board,
    screen: Screen,
    stop: oneshot::Sender<()>,
    painter: JoinHandle<()>,
}

impl Screen {
    pub fn new() -> Self {
        let live = io::stdout().is_terminal();
        Self {
            live,
            colors: live && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    pub fn line(self, text: &str) {
        // A pipe whose reader has left is no reason to stop: the claims are still checked.
        let _ = writeln!(io::stdout(), "{text}");
    }

    pub fn paint(self, codes: &str, text: &str) -> String {
        match self.colors {
            true => format!("\x1b[{codes}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    pub fn scene(self, color: u8, title: &str, what: &str) -> Scene {
        let mark = self.paint(&format!("1;{color}"), &format!("▌{title}"));
        self.line(&format!("\n{mark}  {}", self.paint("2", what)));
        let board = Board::new();
        let (stop, stopped) = oneshot::channel();
        let painter = tokio::spawn(paint(self, board.clone(), stopped));
        Scene {
            board,
            screen: self,
            stop,
            painter,
        }
    }

    fn lane(self, lane: &LaneFacts) -> String {
        let color = lane.color.to_string();
        let full = (lane.bytes * BAR as u64).checked_div(lane.of).unwrap_or(0) as usize;
        let full = full.min(BAR);
        let strip: String = lane
            .cells
            .iter()
            .take(STRIP)
            .map(|bytes| height(*bytes))
            .collect();
        format!(
            " {} {}{} {:>8}  {}",
            self.paint(&color, &format!("{:<9}", lane.name)),
            self.paint(&color, &"━".repeat(full)),
            self.paint("2", &"─".repeat(BAR - full)),
            size(lane.bytes),
            self.paint(&color, &strip),
        )
    }

    fn event(self, event: &Event) -> String {
        format!(
            "   {}  {} {}",
            self.paint("2", &format!("{:5.2} s", event.at.as_secs_f64())),
            self.paint(&event.color.to_string(), &format!("{:<9}", event.name)),
            event.text,
        )
    }

    fn frame(self, board: &Board) -> Vec<String> {
        let facts = board.facts();
        let head = format!(
            " {:<9} {:<BAR$} {:>8}  arrivals, a cell is {:.2} s",
            "who",
            "how much it has",
            "",
            CELL.as_secs_f64()
        );
        let mut lines = vec![self.paint("2", &head)];
        lines.extend(facts.lanes.iter().map(|lane| self.lane(lane)));
        lines.push(String::new());
        lines.extend(facts.events.iter().map(|event| self.event(event)));
        lines
    }
}

impl Scene {
    /// Shows the last state, and what it has proved.
    pub async fn end(self, claims: &[&str]) {
        drop(self.stop);
        // It ends by itself: it can neither panic nor be aborted.
        let _ = self.painter.await;
        for claim in claims {
            let mark = self.screen.paint("1;32", "✓");
            self.screen.line(&format!(" {mark} {claim}"));
        }
        tokio::time::sleep(Duration::from_millis(1300)).await;
    }
}

async fn paint(screen: Screen, board: Board, mut stopped: oneshot::Receiver<()>) {
    let mut painted = 0;
    let mut told = 0;
    loop {
        let last = tokio::time::timeout(Duration::from_millis(60), &mut stopped)
            .await
            .is_ok();
        if screen.live {
            let lines = screen.frame(&board);
            let up = match painted {
                0 => String::new(),
                lines => format!("\x1b[{lines}A"),
            };
            painted = lines.len();
            let lines: String = lines
                .iter()
                .map(|line| format!("\x1b[2K{line}\n"))
                .collect();
            // In one piece, so that it does not flicker; a line that wraps would not be overwritten.
            let _ = write!(io::stdout(), "\x1b[?7l{up}{lines}\x1b[?7h");
            let _ = io::stdout().flush();
        } else {
            let news = board.facts().events.split_off(told);
            told += news.len();
            news.iter()
                .for_each(|event| screen.line(&screen.event(event)));
            board.facts().events.extend(news);
            if last {
                let lines = screen.frame(&board);
                let lanes = board.facts().lanes.len();
                lines[..=lanes].iter().for_each(|line| screen.line(line));
            }
        }
        if last {
            break;
        }
    }
}

/// How much came in one cell, on a scale that shows a trickle and a burst.
fn height(bytes: u64) -> char {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    match bytes {
        0 => ' ',
        _ => HEIGHTS[((bytes >> 14).checked_ilog2().unwrap_or(0) as usize).min(7)],
    }
}

pub fn size(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        1..=9999 => format!("{bytes} B"),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}
