//! The command line of a program that measures.

/// What is to be run.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    /// Smaller loads, one turn each.
    pub quick: bool,
    /// What names have one of; empty: everything.
    only: Vec<String>,
    /// Of the options that only this program has, those that are given.
    given: Vec<String>,
}

impl Args {
    /// From this program's own arguments, of which `names` are what `--only` may name and `options` those that only it
    /// has. Ends the process if they are wrong or ask for help.
    pub fn or_exit(program: &str, help: &str, names: &[&str], options: &[&str]) -> Self {
        match Self::parse(std::env::args().skip(1), names, options) {
            Ok(Some(args)) => return args,
            Ok(None) => println!("{help}    {}", names.join("\n    ")),
            Err(why) => {
                eprintln!("{program}: {why}");
                std::process::exit(2);
            }
        }
        std::process::exit(0)
    }

    /// From the arguments behind the program's name. `None` if help is wanted.
    pub fn parse(
        given: impl IntoIterator<Item = String>,
        names: &[&str],
        options: &[&str],
    ) -> Result<Option<Self>, String> {
        let mut args = Self { quick: false, only: Vec::new(), given: Vec::new() };
        let mut given = given.into_iter();
        while let Some(word) = given.next() {
            match word.as_str() {
                "--help" => return Ok(None),
                "--quick" => args.quick = true,
                "--only" => {
                    let word = given.next().ok_or("--only needs a word")?.to_lowercase();
                    if !names.iter().any(|name| has(name, &word)) {
                        return Err(format!(
                            "nothing has {word:?} in its name; there are: {}",
                            names.join("; ")
                        ));
                    }
                    args.only.push(word);
                }
                option if options.contains(&option) => args.given.push(word),
                other => {
                    let all = [&["--only WORD", "--quick", "--help"], options].concat().join(", ");
                    return Err(format!("expected one of {all}; got {other:?}"));
                }
            }
        }
        Ok(Some(args))
    }

    /// Whether what has this name is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| has(name, word))
    }

    /// Whether an option is given that only this program has.
    pub fn has(&self, option: &str) -> bool {
        self.given.iter().any(|given| given == option)
    }

    /// Whether all of it is, in full.
    pub fn everything(&self) -> bool {
        !self.quick && self.only.is_empty()
    }
}

fn has(name: &str, word: &str) -> bool {
    name.to_lowercase().contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Option<Args>, String> {
        let names = ["1 MB images", "Micro"];
        Args::parse(words.split_whitespace().map(str::to_owned), &names, &["--large"])
    }

    #[test]
    fn only_what_is_named_is_run() {
        let args = parse("--only Images --quick").unwrap().unwrap();
        assert!(args.wants("1 MB images") && !args.wants("Micro") && !args.everything());
        let args = parse("").unwrap().unwrap();
        assert!(args.wants("1 MB images") && args.wants("Micro") && args.everything());
        assert_eq!(parse("--quick --help"), Ok(None));
        let args = parse("--large").unwrap().unwrap();
        assert!(args.has("--large") && !args.has("--small") && args.everything());
        assert!(parse("--small").unwrap_err().contains("--large"));
        assert!(parse("--only").is_err() && parse("--slow").is_err());
        assert!(parse("--only films").unwrap_err().ends_with("there are: 1 MB images; Micro"));
    }
}
