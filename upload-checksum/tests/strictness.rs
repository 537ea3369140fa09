//! What is refused, and what the errors say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use upload_checksum::{Algorithm, Digest, Digests, Fingerprint, ParseError, Verdict};

const CRC: Algorithm = Algorithm::Crc32c;

#[test]
fn hex_of_another_length_or_alphabet_is_refused() {
    for text in ["", "e306928", "e30692833", "0xe3069283", "e3069283 ", "e3069283e3069283"] {
        let error = Digest::from_hex(CRC, text).unwrap_err();
        let expected =
            ParseError::Length { algorithm: CRC, unit: "hex digits", expected: 8, got: text.len() };
        assert_eq!(error, expected, "{text:?}");
    }
    for (text, at) in [("g3069283", 0), ("e306928:", 7), (" 3069283", 0), ("e3é6928", 2), ("+3069283", 0)] {
        assert_eq!(Digest::from_hex(CRC, text), Err(ParseError::Hex { algorithm: CRC, at }), "{text:?}");
    }
    for byte in 0..128_u8 {
        let text = format!("e30692{}3", char::from(byte));
        assert_eq!(Digest::from_hex(CRC, &text).is_ok(), byte.is_ascii_hexdigit(), "{text:?}");
    }
    let error = Digest::from_hex(CRC, "abc").unwrap_err().to_string();
    assert_eq!(error, "a crc32c digest has 8 hex digits, got 3");
}

#[test]
fn base64_that_is_not_canonical_is_refused() {
    assert_eq!(Digest::from_base64(CRC, "4waSgw==").unwrap().to_hex(), "e3069283");
    // Of the right length: unused bits set, other alphabets, white space, padding in the wrong place.
    for text in
        ["4waSgx==", "4waSgw=A", "4waS_w==", "4waS-w==", "4waSgw=\n", " 4waSgw=", "====gw==", "4waSgwAA"]
    {
        assert_eq!(text.len(), 8);
        assert!(Digest::from_base64(CRC, text).is_err(), "{text:?}");
    }
    // Of another length: no padding, too much, too little, more bytes.
    for text in ["", "4waSgw", "4waSgw=", "4waSgw===", "4waSgw==\n", "4waSgwAAAA=="] {
        let expected =
            ParseError::Length { algorithm: CRC, unit: "base64 characters", expected: 8, got: text.len() };
        assert_eq!(Digest::from_base64(CRC, text), Err(expected), "{text:?}");
    }
}

#[test]
fn bytes_of_another_length_are_refused() {
    for &algorithm in Algorithm::ALL {
        for got in (0..=65).filter(|&len| len != algorithm.output_len()) {
            let expected =
                ParseError::Length { algorithm, unit: "bytes", expected: algorithm.output_len(), got };
            assert_eq!(Digest::from_bytes(algorithm, &vec![0; got]), Err(expected));
        }
    }
}

#[test]
fn a_digest_in_text_needs_its_algorithm() {
    assert!(matches!("e3069283".parse::<Digest>(), Err(ParseError::NoColon { .. })));
    assert!(matches!("crc33:e3069283".parse::<Digest>(), Err(ParseError::UnknownAlgorithm { .. })));
    assert!(matches!("md5:e3069283".parse::<Digest>(), Err(ParseError::Length { expected: 32, .. })));
    assert!(serde_json::from_str::<Digest>("42").is_err());
    let long = format!("{}:00", "x".repeat(100_000));
    assert!(
        long.parse::<Digest>().unwrap_err().to_string().len() < 300,
        "an error repeats little of the input"
    );
}

#[test]
fn a_fingerprint_has_one_form() {
    let canonical = "9:ae8b14860a799888";
    assert_eq!(canonical.parse(), Ok(Fingerprint { len: 9, crc64: 0xae8b_1486_0a79_9888 }));
    for text in [
        "",
        "9",
        ":ae8b14860a799888",
        "9:",
        "09:ae8b14860a799888",
        "+9:ae8b14860a799888",
        "-9:ae8b14860a799888",
        "9:AE8B14860A799888",
        "9:0ae8b14860a799888",
        "9:e8b14860a799888",
        "9:+e8b14860a799888",
        " 9:ae8b14860a799888",
        "9:ae8b14860a799888\n",
        "18446744073709551616:ae8b14860a799888",
    ] {
        assert!(matches!(text.parse::<Fingerprint>(), Err(ParseError::Fingerprint { .. })), "{text:?}");
    }
}

#[test]
fn digests_differ_by_every_bit_and_by_algorithm() {
    let digest = Digest::from_bytes(Algorithm::Sha512, &[0x5a; 64]).unwrap();
    for bit in 0..512 {
        let mut bytes = [0x5a; 64];
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(Digest::from_bytes(Algorithm::Sha512, &bytes).unwrap(), digest);
    }
    // Zero padding must not make a short digest equal to a longer one that begins with it.
    let (short, long) = (Digest::from_bytes(CRC, &[0; 4]), Digest::from_bytes(Algorithm::Crc64Nvme, &[0; 8]));
    assert_ne!(short.unwrap(), long.unwrap());
}

#[test]
fn a_claim_is_matched_contradicted_or_unknown() {
    let right: Digest = "crc32c:e3069283".parse().unwrap();
    let wrong: Digest = "crc32c:e3069284".parse().unwrap();
    let other: Digest = "crc64nvme:ae8b14860a799888".parse().unwrap();
    let mut digests = Digests::new();
    assert_eq!(digests.verify(&right), Verdict::NotComputed);
    assert_eq!(digests.insert(right), None);
    assert!(digests.verify(&right).is_match());
    assert_eq!(digests.verify(&wrong), Verdict::Mismatch { expected: wrong, got: right });
    assert!(!digests.verify(&wrong).is_match());
    assert_eq!(digests.verify(&other), Verdict::NotComputed);
    assert!(digests.contains(CRC) && !digests.contains(Algorithm::Crc64Nvme));
    assert_eq!(digests.insert(wrong), Some(right));
    assert_eq!((digests.len(), digests.get(CRC)), (1, Some(&wrong)));
}

#[test]
fn a_list_of_digests_is_sorted_and_repeats_no_algorithm() {
    let digests: Digests =
        serde_json::from_str(r#"["crc32c:e3069283","md5:900150983cd24fb0d6963f7d28e17f72"]"#).unwrap();
    assert_eq!(
        serde_json::to_string(&digests).unwrap(),
        r#"["md5:900150983cd24fb0d6963f7d28e17f72","crc32c:e3069283"]"#
    );
    let error =
        serde_json::from_str::<Digests>(r#"["crc32c:e3069283","crc32c:e3069283"]"#).unwrap_err().to_string();
    assert!(error.contains("two crc32c digests"), "{error}");
}
