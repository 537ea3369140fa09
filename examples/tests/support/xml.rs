//! As much of XML as the answers of stores take.

/// The texts of all elements of this name.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let tag = format!("<{name}>");
    let texts = xml.split(&tag).skip(1);
    texts.map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
}
