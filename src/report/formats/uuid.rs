//! Version 5 UUIDs (RFC 9562 section 5.5): the same name, the same id.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// The namespace of URLs, RFC 9562 section 6.6.
const URL: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// The id of `name`. SHA-1 is the format's; nothing rests on its strength.
pub(super) fn v5(name: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&URL, name.as_bytes()].concat());
    let mut id = [0_u8; 16];
    for (to, from) in id.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    let hex = base16ct::lower::encode_string(&id);
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    parts.map(|(from, to)| hex.get(from..to).unwrap_or_default()).join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn as_pythons_uuid5_gives_it() {
        assert_eq!(super::v5("https://example.com/"), "dd2c1780-811a-5296-81c5-178a0ef488bc");
    }
}
