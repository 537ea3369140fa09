//! What is done now and then: the sweep, the janitor, the exporter's upkeep; and telling who listens.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use upload_engine::{Engine, Swept};

use crate::numbers::ServerNumbers;
use crate::ops::{METRICS_UPKEEP, Metrics};
use crate::webhooks;

/// Runs until `stop`, and `tells` of completed uploads if there is who listens; a pass under way is dropped then, and the next process takes it up.
pub(crate) async fn run(
    engine: Engine,
    metrics: Option<Metrics>,
    numbers: ServerNumbers,
    tells: bool,
    stop: CancellationToken,
) {
    let every = |seconds: u64, first: Duration| {
        let mut ticks = interval_at(Instant::now() + first, Duration::from_secs(seconds));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let mut sweep = every(numbers.sweep_every, Duration::ZERO);
    // Not at once, so that a start is quick; and not only after its whole period, so that a process that is often
    // restarted has one too.
    let mut janitor =
        every(numbers.janitor_every, Duration::from_secs(numbers.janitor_every.min(numbers.sweep_every)));
    let mut tidy = interval(METRICS_UPKEEP);
    let work = async {
        loop {
            tokio::select! {
                _ = sweep.tick() => report("sweep", engine.sweep().await),
                _ = janitor.tick() => report("janitor", engine.janitor().await),
            }
        }
    };
    let exporter = async {
        loop {
            tidy.tick().await;
            if let Some(metrics) = &metrics {
                metrics.upkeep();
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
        () = exporter => {}
        () = webhooks::deliver(&engine), if tells => {}
    }
}

fn report(what: &str, pass: Swept) {
    let Swept { seen, expired, finished, removed, failed, .. } = pass;
    if failed > 0 {
        tracing::warn!(seen, expired, finished, removed, failed, "{what}: some are left for the next pass");
    } else {
        tracing::debug!(seen, expired, finished, removed, "{what}");
    }
}
