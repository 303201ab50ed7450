//! What stands in clear in the ledger about a checklist: ids, roles, checks; never the author's text.

use serde::{Deserialize, Serialize};

/// A phase: a heading annotated `phase: …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PhaseSpec {
    /// `[a-z0-9][a-z0-9.-]{0,63}`, once in the checklist.
    #[serde(deserialize_with = "read::id")]
    pub id: String,
    /// When the phase begins, relative to the cutover: see [`offset_minutes`].
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::offset")]
    pub from: Option<String>,
    /// When the phase ends, never before `from`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::offset")]
    pub to: Option<String>,
}

/// What signing an item takes. Members at their default are absent in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemSpec {
    /// `[a-z0-9][a-z0-9.-]{0,63}`, once in the checklist; `item-001`, … where the author gave none.
    #[serde(deserialize_with = "read::id")]
    pub id: String,
    /// The phase that the item stands in.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::optional_id")]
    pub phase: Option<String>,
    /// The roles that may sign, distinct; empty: anyone with a role.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::roles")]
    pub roles: Vec<String>,
    /// Each of `roles` must sign (`roles: a+b`), not any one of them.
    #[serde(
        default,
        skip_serializing_if = "read::is_false",
        deserialize_with = "crate::core::strict::stated"
    )]
    pub all_roles: bool,
    /// How many distinct people must sign, 1 to 99.
    #[serde(default = "read::one", skip_serializing_if = "read::is_one", deserialize_with = "read::signers")]
    pub signers: u32,
    /// The item cannot be signed as not applicable.
    #[serde(
        default,
        skip_serializing_if = "read::is_false",
        deserialize_with = "crate::core::strict::stated"
    )]
    pub na_never: bool,
    /// The check whose last evidence must be a pass before the item is signed as done.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::optional_id")]
    pub check: Option<String>,
    /// The event that ticks this item in place of a person.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::by")]
    pub by: Option<By>,
}

impl ItemSpec {
    /// An item that anyone with a role may sign.
    pub const fn new(id: String) -> Self {
        Self {
            id,
            phase: None,
            roles: Vec::new(),
            all_roles: false,
            signers: 1,
            na_never: false,
            check: None,
            by: None,
        }
    }
}

/// An event that ticks an item by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The decision to go.
    Go,
    /// A database snapshot was taken.
    Snapshot,
    /// The deployment workflow ran.
    Deploy,
    /// Traffic was shifted.
    Shift,
    /// The all-clear.
    AllClear,
}

impl By {
    /// Reads the word used in annotations.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "go" => Self::Go,
            "snapshot" => Self::Snapshot,
            "deploy" => Self::Deploy,
            "shift" => Self::Shift,
            "all-clear" => Self::AllClear,
            _ => return None,
        })
    }

    /// The word used in annotations and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Snapshot => "snapshot",
            Self::Deploy => "deploy",
            Self::Shift => "shift",
            Self::AllClear => "all-clear",
        }
    }
}

/// Whether `text` is `[a-z0-9][a-z0-9.-]{0,63}`: the form of item, phase, role and check ids.
pub(super) fn is_id(text: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 64
        && text.as_bytes().first().is_some_and(word)
        && text.bytes().all(|byte| word(&byte) || byte == b'.' || byte == b'-')
}

/// Minutes from the cutover for `T-2h`, `T-0`, `T+1h`, `T-30m`, `T+1h30m`, `T-1d`: days, hours and
/// minutes in that order, each at most three digits; negative before the cutover. `None` for any other text.
pub fn offset_minutes(text: &str) -> Option<i32> {
    let rest = text.strip_prefix('T')?;
    let (sign, mut rest) = match rest.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    if rest == "0" {
        return Some(0);
    }
    let mut minutes = 0;
    for (unit, size) in [('d', 1440), ('h', 60), ('m', 1)] {
        let Some((count, after)) = rest.split_once(unit) else { continue };
        if count.is_empty() || count.len() > 3 || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        minutes += count.parse::<i32>().ok()? * size;
        rest = after;
    }
    (rest.is_empty() && text.len() > 2).then_some(sign * minutes)
}

/// One reading of each member: nothing null, nothing that says the default.
mod read {
    use serde::de::{Deserialize, Deserializer, Error};

    use super::{By, is_id, offset_minutes};

    pub const fn one() -> u32 {
        1
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
    pub const fn is_one(signers: &u32) -> bool {
        *signers == 1
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
    pub const fn is_false(value: &bool) -> bool {
        !*value
    }

    pub fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        let id = String::deserialize(from)?;
        if is_id(&id) { Ok(id) } else { Err(D::Error::custom("an id is [a-z0-9][a-z0-9.-]{0,63}")) }
    }

    pub fn optional_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        id(from).map(Some)
    }

    pub fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        let text = String::deserialize(from)?;
        if offset_minutes(&text).is_some() {
            Ok(Some(text))
        } else {
            Err(D::Error::custom("a time relative to the cutover is like T-2h, T-0 or T+30m"))
        }
    }

    pub fn roles<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        let roles = Vec::<String>::deserialize(from)?;
        let repeated = roles.iter().enumerate().any(|(at, role)| roles.iter().take(at).any(|r| r == role));
        if roles.is_empty() || repeated || !roles.iter().all(|role| is_id(role)) {
            return Err(D::Error::custom("roles are distinct ids, and absent when there are none"));
        }
        Ok(roles)
    }

    pub fn signers<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        let signers = u32::deserialize(from)?;
        if (2..=99).contains(&signers) {
            Ok(signers)
        } else {
            Err(D::Error::custom("signers is 2 to 99, and absent when 1"))
        }
    }

    pub fn by<'de, D: Deserializer<'de>>(from: D) -> Result<Option<By>, D::Error> {
        By::deserialize(from).map(Some)
    }
}
