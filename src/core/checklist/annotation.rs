//! Annotation comments: `<!-- id: env-audit; role: lead-deployer -->`.
//!
//! A comment is an annotation when it says so by its keys; every other comment is the author's own.
//! What nearly is one is an error, because a rule that is silently not applied is worse than none.

use super::error::{ChecklistError, shorten};
use super::markdown::Lines;
use super::spec::{By, ItemSpec, PhaseSpec, is_id, offset_minutes};

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Item,
    Heading,
    Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Id,
    Role,
    Roles,
    Signers,
    Na,
    Check,
    By,
    Phase,
    From,
    To,
}

impl Key {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Id, "id"),
        (Self::Role, "role"),
        (Self::Roles, "roles"),
        (Self::Signers, "signers"),
        (Self::Na, "na"),
        (Self::Check, "check"),
        (Self::By, "by"),
        (Self::Phase, "phase"),
        (Self::From, "from"),
        (Self::To, "to"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == word).map(|(key, _)| key)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(key, _)| *key == self).map_or("", |(_, name)| name)
    }

    /// The key that `word` is probably meant to be: one slip, or two in a long word.
    fn near(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        if word.len() > 16 || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return None;
        }
        let (slips, key) = Self::ALL
            .into_iter()
            .map(|(key, name)| (slips(word.as_bytes(), name.as_bytes()), key))
            .min_by_key(|near| near.0)?;
        let allowed = match word.len() {
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        };
        (slips <= allowed).then_some(key)
    }

    fn place(self) -> Place {
        if matches!(self, Self::Phase | Self::From | Self::To) { Place::Heading } else { Place::Item }
    }

    fn accepts(self, value: &str) -> bool {
        match self {
            Self::Id | Self::Check | Self::Phase => is_id(value),
            Self::Role | Self::Roles => roles(value).is_some(),
            Self::Signers => signers(value).is_some(),
            Self::Na => value == "never",
            Self::By => By::parse(value).is_some(),
            Self::From | Self::To => offset_minutes(value).is_some(),
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Id | Self::Check | Self::Phase => {
                "1 to 64 of a-z, 0-9, `.` and `-`, beginning with a letter or digit"
            }
            Self::Role | Self::Roles => {
                "a role (`qa-engineer`), any one of several (`a, b`), or all of several (`a+b`)"
            }
            Self::Signers => "a number of people, 1 to 99",
            Self::Na => "`never`",
            Self::By => "`go`, `snapshot`, `deploy`, `shift` or `all-clear`",
            Self::From | Self::To => "a time relative to the cutover, such as `T-2h`, `T-0` or `T+30m`",
        }
    }
}

/// Insertions, deletions, substitutions and swaps of neighbours between two short words.
fn slips(a: &[u8], b: &[u8]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    let cell = |rows: &[Vec<usize>], i: usize, j: usize| {
        rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(usize::MAX / 2)
    };
    for (i, x) in a.iter().enumerate() {
        rows.push(vec![i + 1]);
        for (j, y) in b.iter().enumerate() {
            let mut best = (cell(&rows, i, j + 1) + 1)
                .min(cell(&rows, i + 1, j) + 1)
                .min(cell(&rows, i, j) + usize::from(x != y));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(cell(&rows, i - 1, j - 1) + 1);
            }
            if let Some(row) = rows.get_mut(i + 1) {
                row.push(best);
            }
        }
    }
    cell(&rows, a.len(), b.len())
}

fn roles(value: &str) -> Option<(Vec<String>, bool)> {
    let all = value.contains('+');
    if all && value.contains(',') {
        return None;
    }
    let roles: Vec<String> = value.split(['+', ',']).map(|role| role.trim().to_owned()).collect();
    let repeated = roles.iter().enumerate().any(|(at, role)| roles.iter().take(at).any(|r| r == role));
    (roles.iter().all(|role| is_id(role)) && !repeated && roles.len() <= 99).then_some((roles, all))
}

fn signers(value: &str) -> Option<u32> {
    let plain =
        value.len() <= 2 && value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    value.parse().ok().filter(|_| plain)
}

/// One `key: value`, checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    key: Key,
    value: &'a str,
    pub(super) at: usize,
}

struct Part<'a> {
    word: &'a str,
    value: Option<&'a str>,
    at: usize,
    value_at: usize,
}

/// The parts of a comment's inside, which begins at byte `at`.
fn parts(inside: &str, mut at: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for piece in inside.split(';') {
        let text = piece.trim();
        let start = at + (piece.len() - piece.trim_start().len());
        at += piece.len() + 1;
        if text.is_empty() {
            continue;
        }
        parts.push(match text.split_once(':') {
            Some((word, value)) => {
                let value_at = start + word.len() + 1 + (value.len() - value.trim_start().len());
                Part { word: word.trim_end(), value: Some(value.trim()), at: start, value_at }
            }
            None => Part { word: text, value: None, at: start, value_at: start },
        });
    }
    parts
}

fn is_annotation(parts: &[Part<'_>], place: Place) -> bool {
    let known = |part: &Part<'_>| Key::parse(part.word).filter(|_| part.value.is_some());
    let good = |part: &Part<'_>, key: Key| part.value.is_some_and(|value| key.accepts(value));
    let entirely_good =
        !parts.is_empty() && parts.iter().all(|part| known(part).is_some_and(|key| good(part, key)));
    entirely_good
        || (place != Place::Elsewhere
            && parts.iter().any(|part| match known(part) {
                Some(key) => key.place() == place && key != Key::From && key != Key::To || key == Key::Phase,
                None => Key::near(part.word).is_some_and(|key| good(part, key)),
            }))
}

/// The fields of the comment that begins at byte `at`; none when it is an ordinary comment.
pub(super) fn read<'a>(
    comment: &'a str,
    at: usize,
    place: Place,
    lines: &Lines<'_>,
) -> Result<Vec<Field<'a>>, ChecklistError> {
    let inside = comment.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
    let parts = parts(inside.unwrap_or_default(), at + "<!--".len());
    if !is_annotation(&parts, place) {
        return Ok(Vec::new());
    }
    if place == Place::Elsewhere {
        return Err(ChecklistError::Misplaced { at: lines.position(at) });
    }
    parts.iter().map(|part| field(part, place, lines)).collect()
}

fn field<'a>(part: &Part<'a>, place: Place, lines: &Lines<'_>) -> Result<Field<'a>, ChecklistError> {
    let at = lines.position(part.at);
    let Some(value) = part.value else {
        return Err(ChecklistError::NoValue { at, part: shorten(part.word) });
    };
    let Some(key) = Key::parse(part.word) else {
        let hint = match Key::near(part.word) {
            Some(near) => format!("did you mean `{}`?", near.name()),
            None => {
                "items take id, role, roles, signers, na, check, by; headings take phase, from, to".to_owned()
            }
        };
        return Err(ChecklistError::UnknownKey { at, key: shorten(part.word), hint });
    };
    if key.place() != place {
        let problem = if key.place() == Place::Heading {
            "belongs to a heading; move it to the end of the heading's line"
        } else {
            "belongs to a task item; move it to the end of the line that begins with the box"
        };
        return Err(ChecklistError::WrongPlace { at, key: key.name(), problem });
    }
    if !key.accepts(value) {
        let at = lines.position(part.value_at);
        return Err(ChecklistError::BadValue {
            at,
            key: key.name(),
            value: shorten(value),
            expected: key.expected(),
        });
    }
    Ok(Field { key, value, at: part.at })
}

/// The fields of one item or heading, each key once.
fn once(fields: &[Field<'_>], lines: &Lines<'_>) -> Result<(), ChecklistError> {
    let same = |a: Key, b: Key| {
        a == b || (matches!(a, Key::Role | Key::Roles) && matches!(b, Key::Role | Key::Roles))
    };
    for (index, field) in fields.iter().enumerate() {
        if fields.iter().take(index).any(|before| same(before.key, field.key)) {
            return Err(ChecklistError::RepeatedKey { at: lines.position(field.at), key: field.key.name() });
        }
    }
    Ok(())
}

/// What an item's fields say, and where its id stands.
pub(super) fn item(
    fields: &[Field<'_>],
    default_id: String,
    lines: &Lines<'_>,
) -> Result<(ItemSpec, Option<usize>), ChecklistError> {
    once(fields, lines)?;
    let mut spec = ItemSpec::new(default_id);
    let mut id_at = None;
    for field in fields {
        match field.key {
            Key::Id => {
                field.value.clone_into(&mut spec.id);
                id_at = Some(field.at);
            }
            Key::Role | Key::Roles => (spec.roles, spec.all_roles) = roles(field.value).unwrap_or_default(),
            Key::Signers => spec.signers = signers(field.value).unwrap_or(1),
            Key::Na => spec.na_never = true,
            Key::Check => spec.check = Some(field.value.to_owned()),
            Key::By => spec.by = By::parse(field.value),
            Key::Phase | Key::From | Key::To => {}
        }
    }
    Ok((spec, id_at))
}

/// The phase that a heading's fields begin, if any, and where its id stands.
pub(super) fn phase(
    fields: &[Field<'_>],
    lines: &Lines<'_>,
) -> Result<Option<(PhaseSpec, usize)>, ChecklistError> {
    once(fields, lines)?;
    let find = |key: Key| fields.iter().find(|field| field.key == key);
    let value = |key: Key| find(key).map(|field| field.value.to_owned());
    let Some(id) = find(Key::Phase) else {
        return match fields.first() {
            Some(field) => Err(ChecklistError::WrongPlace {
                at: lines.position(field.at),
                key: field.key.name(),
                problem: "needs a phase beside it: `<!-- phase: deployment; from: T-0; to: T+1h -->`",
            }),
            None => Ok(None),
        };
    };
    let phase = PhaseSpec { id: id.value.to_owned(), from: value(Key::From), to: value(Key::To) };
    let minutes = |key: Key| find(key).and_then(|field| offset_minutes(field.value));
    if let (Some(from), Some(to), Some(field)) = (minutes(Key::From), minutes(Key::To), find(Key::To))
        && to < from
    {
        return Err(ChecklistError::BadValue {
            at: lines.position(field.at),
            key: "to",
            value: field.value.to_owned(),
            expected: "a time that is not before `from`",
        });
    }
    Ok(Some((phase, id.at)))
}
