//! Several listeners as one.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use upload_core::{Outcome, ports::Events};

/// Tells several listeners. A notice is taken when all of them have taken it: as long as one of them has not, those that
/// have are told again as well, under the same id. A listener that never takes any makes the others hear of each upload
/// until the engine gives its notice up.
///
/// They are told at once, so that a slow one keeps none from hearing; together they have the time that the engine gives
/// to one delivery.
#[derive(Debug, Default)]
pub struct Fanout(Vec<Arc<dyn Events>>);

impl Fanout {
    /// All of these.
    pub fn new(listeners: impl IntoIterator<Item = Arc<dyn Events>>) -> Self {
        Self(listeners.into_iter().collect())
    }
}

#[async_trait]
impl Events for Fanout {
    async fn completed(&self, outcome: &Outcome) {
        join_all(self.0.iter().map(|one| one.completed(outcome))).await;
    }

    fn keeps(&self) -> bool {
        self.0.iter().any(|one| one.keeps())
    }

    async fn deliver(&self, outcome: &Outcome) -> Result<(), String> {
        let told = self.0.iter().filter(|one| one.keeps()).map(|one| one.deliver(outcome));
        let refusals: Vec<_> = join_all(told).await.into_iter().filter_map(Result::err).collect();
        if refusals.is_empty() { Ok(()) } else { Err(refusals.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_executor::block_on;
    use upload_core::Timestamp;

    use super::*;
    use crate::stream::tests::outcome;

    /// Answers with what it was given, first to last; counts what it hears.
    #[derive(Debug, Default)]
    struct Listener {
        keeps: bool,
        answers: Mutex<Vec<Result<(), String>>>,
        heard: Mutex<(u32, u32)>,
    }

    #[async_trait]
    impl Events for Listener {
        async fn completed(&self, _: &Outcome) {
            self.heard.lock().unwrap().0 += 1;
        }

        fn keeps(&self) -> bool {
            self.keeps
        }

        async fn deliver(&self, _: &Outcome) -> Result<(), String> {
            self.heard.lock().unwrap().1 += 1;
            self.answers.lock().unwrap().remove(0)
        }
    }

    fn listener(answers: &[Result<(), &str>]) -> Arc<Listener> {
        let answers = answers.iter().map(|answer| answer.map_err(str::to_owned)).collect();
        Arc::new(Listener {
            keeps: !Vec::is_empty(&answers),
            answers: Mutex::new(answers),
            ..Listener::default()
        })
    }

    #[test]
    fn a_notice_is_taken_when_all_have_taken_it_and_then_only() {
        let (a, b) = (listener(&[Ok(()), Ok(()), Ok(())]), listener(&[Err("busy"), Err("down"), Ok(())]));
        let passing = listener(&[]);
        let all = Fanout::new([a.clone() as _, passing.clone() as _, b.clone() as _]);
        let notice = outcome(1);
        assert!(all.keeps());
        assert_eq!(block_on(all.deliver(&notice)), Err("busy".to_owned()));
        assert_eq!(block_on(all.deliver(&notice)), Err("down".to_owned()));
        assert_eq!(block_on(all.deliver(&notice)), Ok(()));
        block_on(all.completed(&notice));
        assert_eq!(*a.heard.lock().unwrap(), (1, 3), "told again although it had taken it");
        assert_eq!(*b.heard.lock().unwrap(), (1, 3));
        assert_eq!(*passing.heard.lock().unwrap(), (1, 0), "what it does not keep is not delivered to it");
        assert_eq!(notice.committed, Timestamp::default());
    }

    #[test]
    fn all_refusals_are_told_and_nobody_keeps_nothing() {
        let all = Fanout::new([listener(&[Err("a")]) as _, listener(&[Err("b")]) as _]);
        assert_eq!(block_on(all.deliver(&outcome(1))), Err("a; b".to_owned()));
        assert!(!Fanout::default().keeps() && !Fanout::new([listener(&[]) as _]).keeps());
    }
}
