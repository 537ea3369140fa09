use quick_xml::{Reader, events::Event};
use upload_core::ports::{StoreError, StoreErrorKind};

/// A small document as a tree: what providers answer.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a whole document; one that ends in the middle is an error.
    pub(super) fn parse(what: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        let broken = |why: &str| {
            let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default());
            StoreError::unavailable(format!("{what}: {why} in the answer {start:?}"))
        };
        let text = std::str::from_utf8(bytes).map_err(|e| broken("text that is no UTF-8").with_source(e))?;
        let mut reader = Reader::from_str(text);
        // The document is the only child of this one.
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|e| broken("malformed XML").with_source(e))?;
            match event {
                Event::Start(start) if open.len() > Self::DEEPEST => {
                    return Err(broken(&format!(
                        "too deep an element {:?}",
                        start.local_name().as_ref().to_owned()
                    )));
                }
                Event::Start(start) => {
                    open.push(Self { name: start.local_name().as_ref().to_owned(), ..Self::default() });
                }
                Event::Empty(empty) => {
                    let child = Self { name: empty.local_name().as_ref().to_owned(), ..Self::default() };
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(child);
                    }
                }
                Event::End(_) => {
                    let (Some(child), Some(parent)) = (open.pop(), open.last_mut()) else {
                        return Err(broken("an end without a start"));
                    };
                    parent.children.push(child);
                }
                Event::Text(text) => {
                    say(&mut open, &text);
                }
                Event::GeneralRef(name) => {
                    let character = match (name.resolve_char_ref(), &*name) {
                        (Ok(Some(character)), _) => character,
                        (_, "quot") => '"',
                        (_, "apos") => '\'',
                        (_, "amp") => '&',
                        (_, "lt") => '<',
                        (_, "gt") => '>',
                        _ => return Err(broken("an unknown entity")),
                    };
                    say(&mut open, character.encode_utf8(&mut [0; 4]));
                }
                Event::CData(text) => {
                    say(&mut open, &text);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let mut document = open.pop().filter(|_| open.is_empty()).ok_or_else(|| broken("no end"))?;
        document.children.pop().ok_or_else(|| broken("nothing"))
    }

    const DEEPEST: usize = 16;

    /// Its children of this name.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of its first child of this name, empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.children.iter().find(|child| child.name == name).map_or("", |child| child.text.trim())
    }

    /// That text, which must be a number.
    pub(super) fn number(&self, name: &str) -> Result<u64, StoreError> {
        let text = self.get(name);
        text.parse().map_err(|e| {
            let why = format!("{}: {name} is {text:?}, a number was expected", self.name);
            StoreError::new(StoreErrorKind::Unavailable, why).with_source(e)
        })
    }
}

/// Adds text to the innermost element.
fn say(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Text as it stands in a document.
pub(super) fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_tree() {
        let xml = br#"<?xml version="1.0"?><s:List xmlns:s="x"><A>1 &lt; 2 &#38; &quot;3&quot;</A><A/><B><C> 7 </C></B></s:List>"#;
        let root = Element::parse("test", xml).unwrap();
        assert_eq!((root.name.as_str(), root.get("A"), root.all("A").count()), ("List", "1 < 2 & \"3\"", 2));
        assert_eq!(root.all("B").next().unwrap().number("C").unwrap(), 7);
        assert!(root.number("A").is_err() && root.get("D").is_empty());
    }

    #[test]
    fn half_an_answer_is_an_error() {
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        for broken in ["", "<List><A>1</A>", "<List><A>1</List>", "</a>", "<a>&nbsp;</a>", deep.as_str()] {
            assert!(Element::parse("test", broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn markup_loses_its_meaning() {
        assert_eq!(escaped("a<\"b\">&"), "a&lt;&quot;b&quot;&gt;&amp;");
    }
}
