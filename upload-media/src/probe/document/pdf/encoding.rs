//! What the codes of a simple font and the names of glyphs mean (ISO 32000-2, annex D).

/// Stands for a character that is not known.
pub(super) const UNKNOWN: char = char::REPLACEMENT_CHARACTER;

/// What codes mean before a font changes some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Standard,
    MacRoman,
    WinAnsi,
    /// Of a font of symbols: only the space is known.
    Symbols,
}

impl Encoding {
    /// By its name; others are as if none was named.
    pub(super) fn named(name: Option<&[u8]>) -> Self {
        match name {
            Some(b"WinAnsiEncoding") => Self::WinAnsi,
            Some(b"MacRomanEncoding") => Self::MacRoman,
            _ => Self::Standard,
        }
    }

    /// The character that a code means.
    pub(super) fn character(self, code: u8) -> char {
        let upper = match (self, code) {
            (_, b' ') => return ' ',
            (Self::Symbols, _) => return UNKNOWN,
            (Self::Standard, b'\'') => return '\u{2019}',
            (Self::Standard, b'`') => return '\u{2018}',
            (_, b'\t' | b'\n' | b'\r' | 0x21..=0x7e) => return char::from(code),
            (Self::Standard, _) => STANDARD,
            (Self::MacRoman, _) => MAC_ROMAN,
            (Self::WinAnsi, _) => WIN_ANSI,
        };
        let at = code.checked_sub(128).map(usize::from);
        at.and_then(|at| upper.chars().nth(at)).filter(|character| *character != '.').unwrap_or(UNKNOWN)
    }
}

/// The character of a glyph's name: a usual one, or one that says its number.
pub(super) fn of_name(name: &[u8]) -> char {
    let Ok(name) = std::str::from_utf8(name) else { return UNKNOWN };
    // Behind a dot stands which form of the glyph it is.
    let name = name.split('.').next().unwrap_or_default();
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return letter;
    }
    if let Ok(at) = GLYPHS.binary_search_by_key(&name, |(glyph, _)| glyph) {
        return GLYPHS.get(at).map_or(UNKNOWN, |(_, character)| *character);
    }
    let number = name.strip_prefix("uni").filter(|digits| digits.len() == 4);
    let number = number.or_else(|| name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len())));
    let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number.and_then(char::from_u32).unwrap_or(UNKNOWN)
}

// The upper halves, from code 128 on; a dot stands for what is not known.

/// The encoding of fonts that name none.
const STANDARD: &str = "\
    ................................\
    .¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ.–†‡·.¶•‚„”»…‰.¿\
    .`\u{b4}ˆ˜\u{af}˘˙\u{a8}.˚\u{b8}.˝˛ˇ—...............\
    .Æ.ª....ŁØŒº.....æ...ı..łøœß....\
";

/// Of old Macintosh fonts.
const MAC_ROMAN: &str = "\
    ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü\
    †°¢£§•¶ß®©™\u{b4}\u{a8}≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø\
    ¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ\
    ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ.ÒÚÛÙıˆ˜\u{af}˘˙˚\u{b8}˝˛ˇ\
";

/// Windows code page 1252.
const WIN_ANSI: &str = "\
    €.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ\
    \u{a0}¡¢£¤¥¦§\u{a8}©ª«¬\u{ad}®\u{af}°±²³\u{b4}µ¶·\u{b8}¹º»¼½¾¿\
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
    àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ\
";

/// Names of glyphs of Latin letters and signs, in order; a letter's own name is itself.
#[rustfmt::skip]
const GLYPHS: &[(&str, char)] = &[
    ("AE", 'Æ'), ("Aacute", 'Á'), ("Abreve", 'Ă'), ("Acircumflex", 'Â'), ("Adieresis", 'Ä'),
    ("Agrave", 'À'), ("Amacron", 'Ā'), ("Aogonek", 'Ą'), ("Aring", 'Å'), ("Atilde", 'Ã'), ("Cacute", 'Ć'),
    ("Ccaron", 'Č'), ("Ccedilla", 'Ç'), ("Ccircumflex", 'Ĉ'), ("Cdot", 'Ċ'), ("Cdotaccent", 'Ċ'),
    ("Dcaron", 'Ď'), ("Dcroat", 'Đ'), ("Dslash", 'Đ'), ("Eacute", 'É'), ("Ebreve", 'Ĕ'), ("Ecaron", 'Ě'),
    ("Ecircumflex", 'Ê'), ("Edieresis", 'Ë'), ("Edot", 'Ė'), ("Edotaccent", 'Ė'), ("Egrave", 'È'),
    ("Emacron", 'Ē'), ("Eng", 'Ŋ'), ("Eogonek", 'Ę'), ("Eth", 'Ð'), ("Euro", '€'), ("Gbreve", 'Ğ'),
    ("Gcedilla", 'Ģ'), ("Gcircumflex", 'Ĝ'), ("Gcommaaccent", 'Ģ'), ("Gdot", 'Ġ'), ("Gdotaccent", 'Ġ'),
    ("Hbar", 'Ħ'), ("Hcircumflex", 'Ĥ'), ("IJ", 'Ĳ'), ("Iacute", 'Í'), ("Ibreve", 'Ĭ'),
    ("Icircumflex", 'Î'), ("Idieresis", 'Ï'), ("Idot", 'İ'), ("Idotaccent", 'İ'), ("Igrave", 'Ì'),
    ("Imacron", 'Ī'), ("Iogonek", 'Į'), ("Itilde", 'Ĩ'), ("Jcircumflex", 'Ĵ'), ("Kcedilla", 'Ķ'),
    ("Kcommaaccent", 'Ķ'), ("Lacute", 'Ĺ'), ("Lcaron", 'Ľ'), ("Lcedilla", 'Ļ'), ("Lcommaaccent", 'Ļ'),
    ("Ldot", 'Ŀ'), ("Ldotaccent", 'Ŀ'), ("Lslash", 'Ł'), ("Nacute", 'Ń'), ("Ncaron", 'Ň'),
    ("Ncedilla", 'Ņ'), ("Ncommaaccent", 'Ņ'), ("Ntilde", 'Ñ'), ("OE", 'Œ'), ("Oacute", 'Ó'),
    ("Obreve", 'Ŏ'), ("Ocircumflex", 'Ô'), ("Odblacute", 'Ő'), ("Odieresis", 'Ö'), ("Ograve", 'Ò'),
    ("Ohungarumlaut", 'Ő'), ("Omacron", 'Ō'), ("Oslash", 'Ø'), ("Otilde", 'Õ'), ("Racute", 'Ŕ'),
    ("Rcaron", 'Ř'), ("Rcedilla", 'Ŗ'), ("Rcommaaccent", 'Ŗ'), ("Sacute", 'Ś'), ("Scaron", 'Š'),
    ("Scedilla", 'Ş'), ("Scircumflex", 'Ŝ'), ("Scommaaccent", 'Ș'), ("Tbar", 'Ŧ'), ("Tcaron", 'Ť'),
    ("Tcedilla", 'Ţ'), ("Tcommaaccent", 'Ţ'), ("Thorn", 'Þ'), ("Uacute", 'Ú'), ("Ubreve", 'Ŭ'),
    ("Ucircumflex", 'Û'), ("Udblacute", 'Ű'), ("Udieresis", 'Ü'), ("Ugrave", 'Ù'), ("Uhungarumlaut", 'Ű'),
    ("Umacron", 'Ū'), ("Uogonek", 'Ų'), ("Uring", 'Ů'), ("Utilde", 'Ũ'), ("Wcircumflex", 'Ŵ'),
    ("Yacute", 'Ý'), ("Ycircumflex", 'Ŷ'), ("Ydieresis", 'Ÿ'), ("Zacute", 'Ź'), ("Zcaron", 'Ž'),
    ("Zdot", 'Ż'), ("Zdotaccent", 'Ż'), ("aacute", 'á'), ("abreve", 'ă'), ("acircumflex", 'â'),
    ("acute", '\u{b4}'), ("adieresis", 'ä'), ("ae", 'æ'), ("agrave", 'à'), ("amacron", 'ā'),
    ("ampersand", '&'), ("aogonek", 'ą'), ("aring", 'å'), ("asciicircum", '^'), ("asciitilde", '~'),
    ("asterisk", '*'), ("at", '@'), ("atilde", 'ã'), ("backslash", '\\'), ("bar", '|'), ("braceleft", '{'),
    ("braceright", '}'), ("bracketleft", '['), ("bracketright", ']'), ("breve", '˘'), ("brokenbar", '¦'),
    ("bullet", '•'), ("cacute", 'ć'), ("caron", 'ˇ'), ("ccaron", 'č'), ("ccedilla", 'ç'),
    ("ccircumflex", 'ĉ'), ("cdot", 'ċ'), ("cdotaccent", 'ċ'), ("cedilla", '\u{b8}'), ("cent", '¢'),
    ("circumflex", 'ˆ'), ("colon", ':'), ("comma", ','), ("copyright", '©'), ("currency", '¤'),
    ("dagger", '†'), ("daggerdbl", '‡'), ("dcaron", 'ď'), ("dcroat", 'đ'), ("degree", '°'),
    ("dieresis", '\u{a8}'), ("divide", '÷'), ("dmacron", 'đ'), ("dollar", '$'), ("dotaccent", '˙'),
    ("dotlessi", 'ı'), ("eacute", 'é'), ("ebreve", 'ĕ'), ("ecaron", 'ě'), ("ecircumflex", 'ê'),
    ("edieresis", 'ë'), ("edot", 'ė'), ("edotaccent", 'ė'), ("egrave", 'è'), ("eight", '8'),
    ("ellipsis", '…'), ("emacron", 'ē'), ("emdash", '—'), ("endash", '–'), ("eng", 'ŋ'), ("eogonek", 'ę'),
    ("equal", '='), ("eth", 'ð'), ("euro", '€'), ("exclam", '!'), ("exclamdown", '¡'), ("ff", 'ﬀ'),
    ("ffi", 'ﬃ'), ("ffl", 'ﬄ'), ("fi", 'ﬁ'), ("five", '5'), ("fl", 'ﬂ'), ("florin", 'ƒ'), ("four", '4'),
    ("fraction", '⁄'), ("gbreve", 'ğ'), ("gcedilla", 'ģ'), ("gcircumflex", 'ĝ'), ("gcommaaccent", 'ģ'),
    ("gdot", 'ġ'), ("gdotaccent", 'ġ'), ("germandbls", 'ß'), ("grave", '`'), ("greater", '>'),
    ("guillemotleft", '«'), ("guillemotright", '»'), ("guilsinglleft", '‹'), ("guilsinglright", '›'),
    ("hbar", 'ħ'), ("hcircumflex", 'ĥ'), ("hungarumlaut", '˝'), ("hyphen", '-'), ("iacute", 'í'),
    ("ibreve", 'ĭ'), ("icircumflex", 'î'), ("idieresis", 'ï'), ("igrave", 'ì'), ("ij", 'ĳ'),
    ("imacron", 'ī'), ("iogonek", 'į'), ("itilde", 'ĩ'), ("jcircumflex", 'ĵ'), ("kcedilla", 'ķ'),
    ("kcommaaccent", 'ķ'), ("kgreenlandic", 'ĸ'), ("lacute", 'ĺ'), ("lcaron", 'ľ'), ("lcedilla", 'ļ'),
    ("lcommaaccent", 'ļ'), ("ldot", 'ŀ'), ("ldotaccent", 'ŀ'), ("less", '<'), ("logicalnot", '¬'),
    ("longs", 'ſ'), ("lslash", 'ł'), ("macron", '\u{af}'), ("minus", '−'), ("mu", 'µ'), ("multiply", '×'),
    ("nacute", 'ń'), ("napostrophe", 'ŉ'), ("nbspace", '\u{a0}'), ("ncaron", 'ň'), ("ncedilla", 'ņ'),
    ("ncommaaccent", 'ņ'), ("nine", '9'), ("nonbreakingspace", '\u{a0}'), ("ntilde", 'ñ'),
    ("numbersign", '#'), ("oacute", 'ó'), ("obreve", 'ŏ'), ("ocircumflex", 'ô'), ("odblacute", 'ő'),
    ("odieresis", 'ö'), ("oe", 'œ'), ("ogonek", '˛'), ("ograve", 'ò'), ("ohungarumlaut", 'ő'),
    ("omacron", 'ō'), ("one", '1'), ("onehalf", '½'), ("onequarter", '¼'), ("onesuperior", '¹'),
    ("ordfeminine", 'ª'), ("ordmasculine", 'º'), ("oslash", 'ø'), ("otilde", 'õ'), ("paragraph", '¶'),
    ("parenleft", '('), ("parenright", ')'), ("percent", '%'), ("period", '.'), ("periodcentered", '·'),
    ("perthousand", '‰'), ("plus", '+'), ("plusminus", '±'), ("question", '?'), ("questiondown", '¿'),
    ("quotedbl", '\"'), ("quotedblbase", '„'), ("quotedblleft", '“'), ("quotedblright", '”'),
    ("quoteleft", '‘'), ("quoteright", '’'), ("quoterightn", 'ŉ'), ("quotesinglbase", '‚'),
    ("quotesingle", '\''), ("racute", 'ŕ'), ("rcaron", 'ř'), ("rcedilla", 'ŗ'), ("rcommaaccent", 'ŗ'),
    ("registered", '®'), ("ring", '˚'), ("sacute", 'ś'), ("scaron", 'š'), ("scedilla", 'ş'),
    ("scircumflex", 'ŝ'), ("scommaaccent", 'ș'), ("section", '§'), ("semicolon", ';'), ("seven", '7'),
    ("sfthyphen", '\u{ad}'), ("six", '6'), ("slash", '/'), ("slong", 'ſ'), ("softhyphen", '\u{ad}'),
    ("space", '\u{20}'), ("sterling", '£'), ("tbar", 'ŧ'), ("tcaron", 'ť'), ("tcedilla", 'ţ'),
    ("tcommaaccent", 'ţ'), ("thorn", 'þ'), ("three", '3'), ("threequarters", '¾'), ("threesuperior", '³'),
    ("tilde", '˜'), ("trademark", '™'), ("two", '2'), ("twosuperior", '²'), ("uacute", 'ú'),
    ("ubreve", 'ŭ'), ("ucircumflex", 'û'), ("udblacute", 'ű'), ("udieresis", 'ü'), ("ugrave", 'ù'),
    ("uhungarumlaut", 'ű'), ("umacron", 'ū'), ("underscore", '_'), ("uogonek", 'ų'), ("uring", 'ů'),
    ("utilde", 'ũ'), ("wcircumflex", 'ŵ'), ("yacute", 'ý'), ("ycircumflex", 'ŷ'), ("ydieresis", 'ÿ'),
    ("yen", '¥'), ("zacute", 'ź'), ("zcaron", 'ž'), ("zdot", 'ż'), ("zdotaccent", 'ż'), ("zero", '0'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole() {
        for upper in [STANDARD, MAC_ROMAN, WIN_ANSI] {
            assert_eq!(upper.chars().count(), 128);
        }
        assert!(GLYPHS.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn codes_and_names_mean_characters() {
        let of = |encoding: Encoding, codes: &[u8]| -> String {
            codes.iter().map(|code| encoding.character(*code)).collect()
        };
        assert_eq!(of(Encoding::WinAnsi, b"na\xefve \x93\x80\x94"), "na\u{ef}ve \u{201c}\u{20ac}\u{201d}");
        assert_eq!(of(Encoding::MacRoman, b"na\x95ve"), "na\u{ef}ve");
        assert_eq!(of(Encoding::Standard, b"it's \xae\xff"), "it\u{2019}s \u{fb01}\u{fffd}");
        assert_eq!(of(Encoding::Symbols, b"a b"), "\u{fffd} \u{fffd}");
        let names =
            [&b"A"[..], b"eacute", b"space", b"ccaron", b"uni20AC", b"u1F600", b"a.sc", b"g12", b"\xff"];
        let told: String = names.map(of_name).iter().collect();
        assert_eq!(told, "A\u{e9} \u{10d}\u{20ac}\u{1f600}a\u{fffd}\u{fffd}");
        assert_eq!(Encoding::named(Some(b"WinAnsiEncoding")), Encoding::WinAnsi);
        assert_eq!(Encoding::named(None), Encoding::Standard);
    }
}
