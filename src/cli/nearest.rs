//! "Did you mean": what is known that looks most like what was typed.

/// `did you mean a, b?`, nearest first; what to look at instead where nothing known looks like it.
pub fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::damerau_levenshtein(typed, name);
            let part = typed.len() > 2 && (name.contains(typed) || typed.contains(name));
            (distance <= 1 + typed.len().max(name.len()) / 4 || part).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    if near.is_empty() {
        return otherwise.to_owned();
    }
    let names: Vec<&str> = near.into_iter().take(3).map(|(_, name)| name).collect();
    format!("did you mean {}?", names.join(", "))
}
