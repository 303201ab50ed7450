//! Verification by tables made once for each key: the verdicts of [`PublicKey::verify`], sooner.

use std::sync::LazyLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use sha2::{Digest as _, Sha512};

use super::{PublicKey, SIGNATURE_LEN};

/// Bits for each signed digit of a scalar.
const WIDTH: usize = 7;

/// Digits of a scalar below 2^253, the last carry included.
const DIGITS: usize = 253_usize.div_ceil(WIDTH);

/// The largest digit.
const HALF: usize = 1 << (WIDTH - 1);

static BASE: LazyLock<Multiples> = LazyLock::new(|| Multiples::new(ED25519_BASEPOINT_POINT));

/// A public key with multiples of its point, about 380 kB. Worth making from some 30 signatures on.
pub struct FastVerifier {
    public: PublicKey,
    minus_a: Multiples,
}

impl FastVerifier {
    /// Makes the table for `public`.
    #[must_use]
    pub fn new(public: &PublicKey) -> Self {
        Self { public: public.clone(), minus_a: Multiples::new(-public.point()) }
    }

    /// The key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Exactly the verdict of [`PublicKey::verify`].
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        self.expect(message, signature).is_some_and(|expected| verdicts(&[expected]) == [true])
    }

    /// What R has to be; `None` where the signature is refused already, for its s. [`verdicts`] tells the rest.
    #[must_use]
    pub fn expect(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Option<Expected> {
        let (r, s) = signature.split_first_chunk::<32>()?;
        let s = Scalar::from_canonical_bytes(s.try_into().ok()?).into_option()?;
        let hash = Sha512::new().chain_update(r).chain_update(self.public.as_bytes()).chain_update(message);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let point = self.minus_a.add(&k, BASE.add(&s, EdwardsPoint::identity()));
        Some(Expected { r: *r, point })
    }
}

/// A signature's R as it is, and as the point sB − kA that it has to be.
#[derive(Clone, Copy)]
pub struct Expected {
    r: [u8; 32],
    point: EdwardsPoint,
}

/// The verdict on each signature by itself; many at once share one inversion and nothing else.
///
/// Strict verification decodes R, refuses it when its order is small, and compares its bytes with the one
/// encoding of sB − kA. Equal bytes decode to that very point, so looking at the order of sB − kA
/// after comparing refuses the same signatures, without decoding R.
#[must_use]
pub fn verdicts(all: &[Expected]) -> Vec<bool> {
    let points: Vec<EdwardsPoint> = all.iter().map(|expected| expected.point).collect();
    let encoded = EdwardsPoint::compress_batch_alloc(&points);
    let same = |(expected, encoded): (&Expected, &CompressedEdwardsY)| {
        encoded.as_bytes() == &expected.r && !expected.point.is_small_order()
    };
    all.iter().zip(&encoded).map(same).collect()
}

/// `rows[i][j]` is (j + 1) · 2^(i · WIDTH) · P.
struct Multiples(Vec<[EdwardsPoint; HALF]>);

impl Multiples {
    fn new(point: EdwardsPoint) -> Self {
        let mut step = point;
        let row = |_| {
            let mut multiple = EdwardsPoint::identity();
            let row = [(); HALF].map(|()| {
                multiple += step;
                multiple
            });
            step = multiple + multiple;
            row
        };
        Self((0..DIGITS).map(row).collect())
    }

    /// `sum` + `scalar` · P, in variable time: everything here is public.
    fn add(&self, scalar: &Scalar, mut sum: EdwardsPoint) -> EdwardsPoint {
        for (row, (negative, size)) in self.0.iter().zip(digits(scalar)) {
            match size.checked_sub(1).and_then(|index| row.get(index)) {
                Some(multiple) if negative => sum -= multiple,
                Some(multiple) => sum += multiple,
                None => {}
            }
        }
        sum
    }
}

/// The scalar in radix 2^WIDTH, least digit first: whether the digit is negative, and its size, up to HALF.
fn digits(scalar: &Scalar) -> [(bool, usize); DIGITS] {
    let byte = |at: usize| scalar.as_bytes().get(at).copied().unwrap_or(0);
    let (mut bit, mut carry) = (0, 0);
    [(); DIGITS].map(|()| {
        let window = u16::from_le_bytes([byte(bit / 8), byte(bit / 8 + 1)]) >> (bit % 8);
        bit += WIDTH;
        let digit = usize::from(window) % (2 * HALF) + carry;
        carry = usize::from(digit > HALF);
        if carry == 1 { (true, 2 * HALF - digit) } else { (false, digit) }
    })
}
