//! Any future may be dropped at any await: the call happened, or not, or happens later, and does no harm.

use bytes::Bytes;
use upload_core::{Fragment, ports::BlobStore};

use super::bench::{Sent, manifest};
use crate::conformance::{
    bench::{Bench, Outcome, checks, data, ensure, same},
    drive::{at_every_poll, stop_after},
};

checks!(dyn BlobStore, "dropped",
    Nothing: open, put_part, complete, abort, put_fragment, put_object;
);

async fn open(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let mut upload = t.upload_in_parts().await?;
        let done = stop_after(polls, t.parts()?.open(&upload.key)).await.transpose()?;
        upload.session = t.parts()?.open(&upload.key).await?;
        let part = t.put(&upload, 1, b"abc").await?;
        t.makes(&upload, &[Sent { part, bytes: b"abc".to_vec() }]).await?;
        Ok(done.is_some())
    })
    .await
}

/// The next attempt has another number, as the engine does it.
async fn put_part(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let upload = t.upload_in_parts().await?;
        let pieces = vec![Bytes::from(data(1, 900))];
        let put = t.parts()?.put_part(&upload.key, &upload.session, 1, pieces);
        let done = stop_after(polls, put).await.transpose()?;
        let part = t.put(&upload, 2, b"abc").await?;
        t.makes(&upload, &[Sent { part, bytes: b"abc".to_vec() }]).await?;
        Ok(done.is_some())
    })
    .await
}

/// There is no object or the whole one; completing again gives the whole one.
async fn complete(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let upload = t.upload_in_parts().await?;
        let bytes = data(2, 900);
        let sent = [Sent { part: t.put(&upload, 1, &bytes).await?, bytes }];
        let parts = manifest(&sent).0;
        let done = stop_after(polls, t.complete(&upload, &parts)).await.transpose()?.is_some();
        let found = t.store.length(&upload.key).await?;
        ensure!(found.is_none_or(|length| length == 900), "a half made object of {found:?} bytes is there");
        ensure!(!done || found.is_some(), "a completion that returned did not happen");
        t.makes(&upload, &sent).await?;
        Ok(done)
    })
    .await
}

async fn abort(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let upload = t.upload_in_parts().await?;
        let part = t.put(&upload, 1, b"abc").await?;
        let abort = t.parts()?.abort(&upload.key, &upload.session);
        let done = stop_after(polls, abort).await.transpose()?.is_some();
        t.parts()?.abort(&upload.key, &upload.session).await?;
        let completed = t.complete(&upload, &[part]).await;
        ensure!(completed.is_err(), "a session that was given up was completed");
        t.no_object(&upload.key).await?;
        Ok(done)
    })
    .await
}

async fn put_fragment(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let staging = t.names().0;
    at_every_poll(async |polls| {
        let (fragment, bytes) = (Fragment::random(0, t.names), data(polls as u64, 900));
        let pieces = || vec![Bytes::from(bytes.clone())];
        let parts = t.parts()?;
        let put = parts.put_fragment(&staging, &fragment, pieces());
        let done = stop_after(polls, put).await.transpose()?.is_some();
        if let Ok(read) = parts.read_fragment(&staging, &fragment, 0..900).await {
            same("the fragment", &read, &bytes)?;
        } else {
            ensure!(!done, "a fragment that was stored is not there");
        }
        Ok(done)
    })
    .await
}

async fn put_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let (key, bytes) = (t.names().1, data(polls as u64, 900));
        let put = t.parts()?.put_object(&key, vec![Bytes::from(bytes.clone())]);
        let done = stop_after(polls, put).await.transpose()?.is_some();
        let found = t.store.length(&key).await?;
        ensure!(found.is_none_or(|length| length == 900), "a half made object of {found:?} bytes is there");
        ensure!(!done || found.is_some(), "an object that was put is not there");
        t.parts()?.put_object(&key, vec![Bytes::from(bytes.clone())]).await?;
        t.object_is(&key, &bytes).await?;
        Ok(done)
    })
    .await
}
