use super::names::VARIABLE;

/// A hint for a name that is unknown: the known one that is most like it, if there is one.
pub(crate) fn nearest(name: &str, known: &[String]) -> String {
    const ALIKE: f64 = 0.75;
    let likeness = |known: &String| (strsim::jaro_winkler(own(name), own(known)), known.clone());
    let best = known
        .iter()
        .map(likeness)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((alike, known)) if alike >= ALIKE => format!(", did you mean `{known}`?"),
        _ => String::new(),
    }
}

/// Without what all variables have in common, which would make them all alike.
fn own(name: &str) -> &str {
    name.strip_prefix(VARIABLE).unwrap_or(name)
}
