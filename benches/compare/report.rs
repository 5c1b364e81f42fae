//! All that was found, in the order in which it was measured.

use crate::table::{self, Row};

#[derive(Debug, Default)]
pub struct Report {
    pub rows: Vec<Row>,
    details: Vec<Details>,
}

/// The figures of all peers in one case, from which the rows are made.
#[derive(Debug)]
pub struct Details {
    pub title: String,
    pub heads: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl Report {
    pub fn row(&mut self, row: Row) {
        eprintln!("  {}", table::show(&[row.clone()]).lines().nth(2).unwrap_or_default());
        self.rows.push(row);
    }

    pub fn details(&mut self, details: Details) {
        eprintln!("{}\n{}", details.title, table::markdown(&details.heads, &details.rows));
        self.details.push(details);
    }

    pub fn markdown(&self) -> String {
        let mut text = table::show(&self.rows);
        for details in &self.details {
            let rows = table::markdown(&details.heads, &details.rows);
            text.push_str(&format!("\n### {}\n\n{rows}", details.title));
        }
        text
    }
}
