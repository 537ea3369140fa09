//! The running CRCs. Their whole state is the checksum of the bytes so far.

use crc_fast::CrcAlgorithm;

/// CRC-32C so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crc32c(pub(crate) u32);

impl Crc32c {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let register = u64::from(!self.0);
        // The register of a 32-bit CRC never leaves the low half.
        self.0 = !(advance(CrcAlgorithm::Crc32Iscsi, register, bytes) as u32);
    }
}

/// CRC-64/NVME so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crc64Nvme(pub(crate) u64);

impl Crc64Nvme {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0 = !advance(CrcAlgorithm::Crc64Nvme, !self.0, bytes);
    }

    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut crc = Self::default();
        for part in parts {
            crc.update(part);
        }
        crc
    }

    /// The CRC of this sequence followed by one of `len` bytes whose CRC is `next`.
    ///
    /// A CRC is a remainder of polynomial division, so appending `len` bytes multiplies what came before
    /// by x^(8·len). That power is a product of table entries, one for each bit set in `len`.
    pub(crate) fn followed_by(self, next: Self, len: u64) -> Self {
        let factors = POWERS.iter().enumerate().filter(|(bit, _)| len >> bit & 1 == 1);
        Self(factors.fold(self.0, |crc, (_, &power)| multiply(crc, power)) ^ next.0)
    }
}

/// Feeds `bytes` to the bare shift register.
fn advance(algorithm: CrcAlgorithm, register: u64, bytes: &[u8]) -> u64 {
    let mut crc = crc_fast::Digest::new_with_init_state(algorithm, register);
    crc.update(bytes);
    crc.get_state()
}

/// The polynomial of CRC-64/NVME, 0xad93d23594c93659, with the highest power in the lowest bit.
const POLYNOMIAL: u64 = 0xad93_d235_94c9_3659_u64.reverse_bits();

/// `POWERS[k]` is x^(8·2^k) modulo the polynomial.
const POWERS: [u64; 64] = powers();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, and iterators are not const")]
const fn powers() -> [u64; 64] {
    let mut powers = [0; 64];
    // x^8: the bit for x^0 is the highest one.
    powers[0] = 1 << (63 - 8);
    let mut k = 1;
    while k < 64 {
        powers[k] = multiply(powers[k - 1], powers[k - 1]);
        k += 1;
    }
    powers
}

/// The product of two polynomials modulo `POLYNOMIAL`, without a branch on their bits.
const fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    let mut bit = 64;
    while bit > 0 {
        bit -= 1;
        product ^= b & (a >> bit & 1).wrapping_neg();
        // b · x
        b = b >> 1 ^ POLYNOMIAL & (b & 1).wrapping_neg();
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combining_agrees_with_the_library_for_lengths_of_every_size() {
        let (a, b) = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        for bit in 0..64 {
            for len in [1_u64 << bit, (1_u64 << bit).wrapping_mul(3), u64::MAX >> bit] {
                let expected = crc_fast::checksum_combine(CrcAlgorithm::Crc64Nvme, a, b, len);
                assert_eq!(Crc64Nvme(a).followed_by(Crc64Nvme(b), len).0, expected, "length {len}");
            }
        }
    }
}
