//! The token: from the environment alone, and never shown.

use std::fmt;

use super::GithubError;

/// Where it is looked for, in this order.
const VARIABLES: [&str; 3] = ["AETHER_AUDIT_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];

/// A secret that goes into one header and nowhere else.
pub struct Token(String);

impl Token {
    pub fn from_environment() -> Result<Self, GithubError> {
        for variable in VARIABLES {
            let value = std::env::var(variable).unwrap_or_default().trim().to_owned();
            if value.is_empty() {
                continue;
            }
            if value.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Ok(Self(value));
            }
            return Err(GithubError::OddToken { variable });
        }
        Err(GithubError::NoToken)
    }

    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
