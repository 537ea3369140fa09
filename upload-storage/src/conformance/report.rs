use std::fmt;

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The store does it.
    Passed,
    /// It does not; what was expected and what came.
    Failed(String),
    /// The profile says that the store has no such thing.
    Skipped(&'static str),
}

/// How the checks ended, in the order they ran.
#[derive(Debug, Clone, Default)]
pub struct Report {
    checks: Vec<(&'static str, Verdict)>,
}

impl Report {
    pub(super) fn push(&mut self, check: &'static str, verdict: Verdict) {
        self.checks.push((check, verdict));
    }

    /// Every check's name, such as `publish/truncates`, with its end.
    pub fn checks(&self) -> &[(&'static str, Verdict)] {
        &self.checks
    }

    /// The names and texts of those that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().filter_map(|(name, verdict)| match verdict {
            Verdict::Failed(why) => Some((*name, why.as_str())),
            _ => None,
        })
    }

    /// How many passed.
    pub fn passed(&self) -> usize {
        self.checks.iter().filter(|(_, verdict)| *verdict == Verdict::Passed).count()
    }

    /// Whether checks ran and none failed.
    pub fn is_ok(&self) -> bool {
        self.passed() > 0 && self.failures().next().is_none()
    }

    /// For tests.
    ///
    /// # Panics
    /// With the failures' texts, if a check failed or none ran.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_ok(), "the store does not conform:\n{self}");
    }
}

impl fmt::Display for Report {
    /// Failures and skipped checks, one a line, then a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.checks {
            match verdict {
                Verdict::Passed => {}
                Verdict::Failed(why) => writeln!(f, "FAILED  {name}: {why}")?,
                Verdict::Skipped(why) => writeln!(f, "skipped {name}: {why}")?,
            }
        }
        let failed = self.failures().count();
        let skipped = self.checks.len() - self.passed() - failed;
        write!(f, "{} passed, {failed} failed, {skipped} skipped", self.passed())
    }
}
