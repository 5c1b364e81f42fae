/// A hint for a name that is unknown: the known one that is most like it, if there is one.
pub(crate) fn nearest(name: &str, known: &[String]) -> String {
    const ALIKE: f64 = 0.75;
    let likeness = |known: &String| (strsim::jaro_winkler(name, known), known.clone());
    let best = known
        .iter()
        .map(likeness)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((alike, known)) if alike >= ALIKE => format!(", did you mean `{known}`?"),
        _ => String::new(),
    }
}
