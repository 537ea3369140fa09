//! What is given up is gone, and nothing else.

use upload_core::{ObjectKey, ports::BlobStore};

use super::bench::{Sent, Upload};
use crate::conformance::bench::{Bench, Fail, HOUR, Outcome, checks, data, ensure};

checks!(dyn BlobStore, "giving_up",
    Nothing:
        a_session_takes_its_parts, a_session_that_is_gone_succeeds, a_completed_session_leaves_the_object,
        discarding_takes_sessions, discarding_takes_many_sessions, discarding_leaves_the_object, discarding_takes_only_its_own_sessions,
        a_key_can_be_opened_again;
);

impl Bench<'_, dyn BlobStore> {
    /// Fails unless the session is gone, or has no parts and makes nothing.
    async fn no_parts(&self, upload: &Upload) -> Outcome {
        let listed = self.parts()?.list_parts(&upload.key, &upload.session).await;
        ensure!(listed.as_ref().map_or(true, Vec::is_empty), "the session still has {listed:?}");
        Ok(())
    }
}

async fn a_session_takes_its_parts(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, b"abc").await?;
    t.parts()?.abort(&upload.key, &upload.session).await?;
    t.no_parts(&upload).await?;
    let completed = t.complete(&upload, &[part]).await;
    ensure!(completed.is_err(), "a session that was given up was completed");
    t.no_object(&upload.key).await
}

async fn a_session_that_is_gone_succeeds(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    for _ in 0..3 {
        t.parts()?.abort(&upload.key, &upload.session).await?;
    }
    // One that never had a part.
    let empty = t.upload_in_parts().await?;
    Ok(t.parts()?.abort(&empty.key, &empty.session).await?)
}

async fn a_completed_session_leaves_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, b"abc").await?;
    t.makes(&upload, &[Sent { part, bytes: b"abc".to_vec() }]).await?;
    for _ in 0..2 {
        t.parts()?.abort(&upload.key, &upload.session).await?;
        t.object_is(&upload.key, b"abc").await?;
    }
    Ok(())
}

/// All of them, with their parts, and fragments too.
async fn discarding_takes_sessions(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    t.put(&upload, 1, b"abc").await?;
    let session = t.parts()?.open(&upload.key).await?;
    let second = Upload { staging: upload.staging.clone(), key: upload.key.clone(), session };
    t.put(&second, 1, b"def").await?;
    t.put(&second, 2, b"ghi").await?;
    t.stage(&upload.staging, b"fragment").await?;
    for _ in 0..2 {
        t.store.discard(&upload.staging).await?;
        t.no_parts(&upload).await?;
        t.no_parts(&second).await?;
        t.nothing_staged(&upload.staging, 0..1).await?;
        t.no_object(&upload.key).await?;
    }
    Ok(())
}

/// As many as retries of a lost opening leave, and more than a store may list at once.
async fn discarding_takes_many_sessions(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let first = t.upload_in_parts().await?;
    let mut uploads = vec![first];
    while let (Some(first), true) = (uploads.first(), uploads.len() < 60) {
        let session = t.parts()?.open(&first.key).await?;
        let upload = Upload { staging: first.staging.clone(), key: first.key.clone(), session };
        t.put(&upload, 1, b"abc").await?;
        uploads.push(upload);
    }
    for upload in uploads.iter().take(1) {
        t.store.discard(&upload.staging).await?;
    }
    for upload in &uploads {
        t.no_parts(upload).await?;
    }
    Ok(())
}

async fn discarding_leaves_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let bytes = data(1, 700);
    let part = t.put(&upload, 1, &bytes).await?;
    t.stage(&upload.staging, b"fragment").await?;
    t.makes(&upload, &[Sent { part, bytes: bytes.clone() }]).await?;
    t.store.discard(&upload.staging).await?;
    t.object_is(&upload.key, &bytes).await?;
    // An object that was put at once has no session; its fragments go all the same.
    let (staging, _) = t.staged(b"fragment").await?;
    let key = ObjectKey::of(&staging);
    t.object_at(&staging, &key, &bytes).await?;
    t.store.discard(&staging).await?;
    t.object_is(&key, &bytes).await?;
    t.nothing_staged(&staging, 0..1).await
}

/// Others of the same upload and hour stay, and can be completed.
async fn discarding_takes_only_its_own_sessions(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let id = t.upload();
    let mut uploads = Vec::new();
    for hour in [HOUR, HOUR, HOUR + 1] {
        let staging = t.names_of(&id, hour).0;
        let key = ObjectKey::of(&staging);
        let session = t.parts()?.open(&key).await?;
        let upload = Upload { staging, key, session };
        let part = t.put(&upload, 1, b"abc").await?;
        t.stage(&upload.staging, b"fragment").await?;
        uploads.push((upload, part));
    }
    let Some((gone, _)) = uploads.pop() else { return Err(Fail("no uploads".into())) };
    t.store.discard(&gone.staging).await?;
    t.no_parts(&gone).await?;
    for (upload, part) in uploads {
        t.staged_is(&upload.staging, 0, b"fragment").await?;
        t.makes(&upload, &[Sent { part, bytes: b"abc".to_vec() }]).await?;
    }
    Ok(())
}

async fn a_key_can_be_opened_again(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let mut upload = t.upload_in_parts().await?;
    t.put(&upload, 1, b"abc").await?;
    t.store.discard(&upload.staging).await?;
    upload.session = t.parts()?.open(&upload.key).await?;
    t.no_parts(&upload).await?;
    let part = t.put(&upload, 1, b"again").await?;
    t.makes(&upload, &[Sent { part, bytes: b"again".to_vec() }]).await
}
