//! Who is told of completed uploads: `[[webhooks]]` in the configuration, and the loop that tells them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use upload_core::ports::Events;
use upload_engine::{Engine, Settings};
use upload_events::{Fanout, Secret, Webhook, WebhookSettings};

/// How long after a pass over the outbox the next one comes at the latest.
const LATER: Duration = Duration::from_secs(5);

/// One `[[webhooks]]`. Times in seconds. Neither its secret nor its address, which may hold one, is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookConfig {
    /// `http://host[:port][/path]`.
    url: String,
    /// What its signatures are made with.
    secret: String,
    /// How long a connection may take.
    #[serde(default = "connect_timeout")]
    connect_timeout: u64,
    /// How long the answer may take.
    #[serde(default = "answer_timeout")]
    answer_timeout: u64,
}

fn connect_timeout() -> u64 {
    WebhookSettings::default().connect_timeout.as_secs()
}

fn answer_timeout() -> u64 {
    WebhookSettings::default().answer_timeout.as_secs()
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig").finish_non_exhaustive()
    }
}

impl WebhookConfig {
    fn webhook(&self) -> Result<Webhook, String> {
        let (connect, answer) = (self.connect_timeout, self.answer_timeout);
        let most = Settings::default().notice_time.as_secs();
        if connect == 0 || answer == 0 || connect.saturating_add(answer) >= most {
            return Err(format!(
                "connect_timeout ({connect}) and answer_timeout ({answer}) must be more than 0, and together less than {most}"
            ));
        }
        let secret = Secret::new(&self.secret).map_err(|e| e.to_string())?;
        let mut settings = WebhookSettings::default();
        settings.connect_timeout = Duration::from_secs(connect);
        settings.answer_timeout = Duration::from_secs(answer);
        Ok(Webhook::new(&self.url, secret).map_err(|e| e.to_string())?.settings(settings))
    }
}

/// All of them as one; the first that could not work, by its number.
pub(crate) fn events(configured: &[WebhookConfig]) -> Result<Fanout, String> {
    let webhooks = configured.iter().enumerate().map(|(n, one)| {
        let webhook = one.webhook().map_err(|why| format!("number {}: {why}", n + 1))?;
        Ok(Arc::new(webhook) as Arc<dyn Events>)
    });
    Ok(Fanout::new(webhooks.collect::<Result<Vec<_>, String>>()?))
}

/// Tells them what the outbox has: what an earlier process left in it, what is new, and what was not taken.
pub(crate) async fn deliver(engine: &Engine) {
    loop {
        if let Err(e) = engine.deliver().await {
            tracing::warn!("notices of completed uploads are left for the next pass: {e}");
        }
        tokio::select! {
            () = engine.undelivered() => {}
            () = tokio::time::sleep(LATER) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(), String> {
        let one: WebhookConfig = toml::from_str(text).map_err(|e| e.to_string())?;
        assert_eq!(format!("{one:?}"), "WebhookConfig { .. }");
        events(&[one]).map(drop)
    }

    #[test]
    fn what_could_not_work_is_refused() {
        let with = |more: &str| {
            read(&format!(
                "url = \"http://127.0.0.1:1/hook\"\nsecret = \"a-secret-of-24-bytes-or-so\"\n{more}"
            ))
        };
        assert_eq!(with(""), Ok(()));
        assert_eq!(with("connect_timeout = 14\nanswer_timeout = 15"), Ok(()));
        for (more, expected) in [
            ("answer_timeout = 0", "more than 0"),
            ("connect_timeout = 0", "more than 0"),
            ("answer_timeout = 25", "less than 30"),
            ("connect_timeout = 9223372036854775807", "less than 30"),
            ("tries = 1", "tries"),
        ] {
            let why = with(more).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        let why = read("url = \"http://a.example\"\nsecret = \"short\"").unwrap_err();
        assert!(why.starts_with("number 1: ") && why.contains("24 bytes"), "{why}");
        let why = read("url = \"https://a.example\"\nsecret = \"a-secret-of-24-bytes-or-so\"").unwrap_err();
        assert!(why.contains("TLS") && !why.contains("a.example"), "{why}");
    }

    #[test]
    fn without_any_nothing_is_kept() {
        assert!(!events(&[]).unwrap().keeps());
    }
}
