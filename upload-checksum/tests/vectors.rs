//! Published test vectors of every algorithm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use upload_checksum::{Algorithm, Fingerprint, Hasher};

fn hex(algorithm: Algorithm, bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    assert_eq!(hasher.position(), bytes.len() as u64);
    let digest = hasher.finish();
    assert_eq!((digest.algorithm(), digest.as_bytes().len()), (algorithm, algorithm.output_len()));
    digest.to_hex()
}

fn check(algorithm: Algorithm, vectors: &[(&[u8], &str)]) {
    for (bytes, expected) in vectors {
        assert_eq!(hex(algorithm, bytes), *expected, "{algorithm} of {} bytes", bytes.len());
    }
}

/// The two longer messages of FIPS 180-4's examples, also in RFC 6234.
const BITS_448: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const BITS_896: &[u8] = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
                          hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

/// RFC 1321, appendix A.5.
#[test]
fn md5() {
    check(
        Algorithm::Md5,
        &[
            (b"", "d41d8cd98f00b204e9800998ecf8427e"),
            (b"a", "0cc175b9c0f1b6a831c399e269772661"),
            (b"abc", "900150983cd24fb0d6963f7d28e17f72"),
            (b"message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (b"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (
                b"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ],
    );
}

#[test]
fn sha1() {
    check(
        Algorithm::Sha1,
        &[
            (b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (BITS_448, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            (&[b'a'; 1_000_000], "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ],
    );
}

#[test]
fn sha256() {
    check(
        Algorithm::Sha256,
        &[
            (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (BITS_448, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (&[b'a'; 1_000_000], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ],
    );
}

#[test]
fn sha512() {
    check(
        Algorithm::Sha512,
        &[
            (
                b"",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
                 47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            ),
            (
                b"abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                BITS_896,
                "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
                 501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
            ),
            (
                &[b'a'; 1_000_000],
                "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb\
                 de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
            ),
        ],
    );
}

/// RFC 3720, appendix B.4 (which writes the bytes least significant first), and the CRC catalogue's check.
#[test]
fn crc32c() {
    let rising: Vec<u8> = (0..32).collect();
    let falling: Vec<u8> = (0..32).rev().collect();
    let mut read_command = [0_u8; 48];
    for (at, byte) in
        [(0, 0x01), (1, 0xc0), (16, 0x14), (22, 0x04), (27, 0x14), (31, 0x18), (32, 0x28), (40, 0x02)]
    {
        read_command[at] = byte;
    }
    check(
        Algorithm::Crc32c,
        &[
            (b"", "00000000"),
            (b"123456789", "e3069283"),
            (&[0; 32], "8a9136aa"),
            (&[0xff; 32], "62a8ab43"),
            (&rising, "46dd794e"),
            (&falling, "113fdb5c"),
            (&read_command, "d9963a56"),
        ],
    );
}

/// The CRC catalogue's check value, and the 64-bit CRC test cases of the NVM command set specification.
#[test]
fn crc64_nvme() {
    let rising: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let falling: Vec<u8> = (0..=255).rev().cycle().take(4096).collect();
    let vectors: &[(&[u8], &str)] = &[
        (b"", "0000000000000000"),
        (b"123456789", "ae8b14860a799888"),
        (&[0; 4096], "6482d367eb22b64e"),
        (&[0xff; 4096], "c0ddba7302eca3ac"),
        (&rising, "3e729f5f6750449c"),
        (&falling, "9a2df64b8e9e517e"),
    ];
    check(Algorithm::Crc64Nvme, vectors);
    for (bytes, expected) in vectors {
        assert_eq!(Fingerprint::of(bytes).to_string(), format!("{}:{expected}", bytes.len()));
    }
}
