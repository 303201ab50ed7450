//! Cosignatures of witnesses (C2SP tlog-cosignature v1, Ed25519): "as of this time, the largest consistent
//! tree that I have seen of this log has this root".

use super::note::{Note, NoteSignature};
use super::vkey::CosignerKey;
use crate::core::keys::{SIGNATURE_LEN, SecretKey};

/// Latest time that a cosignature may state, in seconds since 1970.
const TIME_MAX: u64 = (1 << 63) - 1;

/// What is signed: two lines, then the checkpoint's text.
fn message(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// The cosignature of a checkpoint's `text`, at `time` in seconds since 1970.
#[must_use]
pub fn cosign(text: &str, cosigner: &CosignerKey, key: &SecretKey, time: u64) -> NoteSignature {
    let signature = key.sign(&message(text, time));
    NoteSignature {
        name: cosigner.name().to_owned(),
        key_id: cosigner.id(),
        signature: [time.to_be_bytes().as_slice(), &signature].concat(),
    }
}

/// When `cosigner` signed the note, in seconds since 1970: `None` where it has no line, `Some(Err(()))` where
/// a line under its name and id is not its signature.
#[must_use]
#[allow(clippy::result_unit_err)] // there is nothing more to say
pub fn cosigned(note: &Note, cosigner: &CosignerKey) -> Option<Result<u64, ()>> {
    let own = |line: &&NoteSignature| line.name == cosigner.name() && line.key_id == cosigner.id();
    let mut found = None;
    for line in note.signatures().iter().filter(own) {
        let Some((time, signature)) = line.signature.split_first_chunk::<8>() else { return Some(Err(())) };
        let time = u64::from_be_bytes(*time);
        let good = <&[u8; SIGNATURE_LEN]>::try_from(signature)
            .is_ok_and(|signature| cosigner.key().verify(&message(note.text(), time), signature));
        if !good || time > TIME_MAX {
            return Some(Err(()));
        }
        found = Some(Ok(time).max(found.unwrap_or(Ok(0))));
    }
    found
}
