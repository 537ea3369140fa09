//! Wavefront OBJ: it has no signature, only statements.

/// Statements about geometry and its names. `call` and `csh`, which run other files, are left out.
const STATEMENTS: &[&str] = &[
    "v",
    "vt",
    "vn",
    "vp",
    "f",
    "l",
    "p",
    "o",
    "g",
    "s",
    "mg",
    "mtllib",
    "usemtl",
    "maplib",
    "usemap",
    "cstype",
    "deg",
    "bmat",
    "step",
    "curv",
    "curv2",
    "surf",
    "parm",
    "trim",
    "hole",
    "scrv",
    "sp",
    "end",
    "con",
    "bevel",
    "c_interp",
    "d_interp",
    "lod",
    "shadow_obj",
    "trace_obj",
    "ctech",
    "stech",
];

/// Whether every line is empty, a comment or a statement, and one is a vertex. Unless the content has
/// `ended`, its last word may be cut and does not count.
pub(super) fn is_obj(text: &str, ended: bool) -> bool {
    let whole_words =
        if ended { text } else { text.rsplit_once(char::is_whitespace).map_or("", |(words, _)| words) };
    let (mut has_vertex, mut goes_on) = (false, false);
    for line in whole_words.lines() {
        let is_rest = std::mem::replace(&mut goes_on, line.ends_with('\\'));
        let mut words = line.split_whitespace();
        match words.next() {
            _ if is_rest => {}
            None => {}
            Some(word) if word.starts_with('#') => {}
            Some("v") => {
                let mut count = 0;
                for word in words.take_while(|word| !matches!(*word, "\\") && !word.starts_with('#')) {
                    if word.parse::<f64>().is_err() {
                        return false;
                    }
                    count += 1;
                }
                has_vertex |= count >= 3;
            }
            Some(word) if STATEMENTS.contains(&word) => {}
            Some(_) => return false,
        }
    }
    has_vertex
}
