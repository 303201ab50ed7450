//! What was attested of an artifact (<https://docs.github.com/en/rest/repos/attestations>).

use serde::Deserialize;

use super::GithubError;
use super::call::{Asked, Client, PER_PAGE, escaped};
use crate::core::dsse;

/// One attestation, as far as it is looked at: its signature is not checked here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The type of its in-toto statement's predicate, such as `https://slsa.dev/provenance/v1`; none where GitHub shows
    /// only an address of the bundle, which is a secret.
    pub predicate_type: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    attestations: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    bundle: Option<Bundle>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
struct Envelope {
    payload: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
}

impl Client {
    /// The attestations that the repository has of a digest, `sha256:` and 64 hex digits.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn attestations(&self, digest: &str) -> Result<Vec<Attested>, GithubError> {
        let what = format!("attestations of {digest}");
        let asked = Asked { what: &what, permission: "Attestations: read" };
        let path = format!("/attestations/{}?{PER_PAGE}", escaped(digest));
        let all = self.list(&path, asked, |page: Page| page.attestations)?;
        Ok(all.iter().map(|said| Attested { predicate_type: said.predicate_type() }).collect())
    }
}

impl Said {
    fn predicate_type(&self) -> Option<String> {
        let payload = self.bundle.as_ref()?.dsse_envelope.as_ref()?.payload.as_ref()?;
        let statement: Statement = serde_json::from_slice(&dsse::decode(payload).ok()?).ok()?;
        Some(statement.predicate_type)
    }
}
