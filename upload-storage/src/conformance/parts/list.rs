//! A listing shows what is unfinished by its staging name, whether it has fragments, sessions or both.

use upload_core::{
    ObjectKey,
    ports::{BlobStore, Listed},
};

use super::bench::{Sent, Upload};
use crate::{
    conformance::{
        bench::{Bench, Fail, HOUR, Outcome, checks, ensure},
        blob::list::{holds, lacks, walk},
    },
    shared::text,
};

checks!(dyn BlobStore, "listing",
    Nothing:
        shows_sessions_and_fragments_in_order, stops_sessions_at_the_hour, shows_a_name_once,
        forgets_sessions_that_ended, holds_hundreds_of_sessions;
    EmptySessions: shows_sessions_without_parts;
);

impl Bench<'_, dyn BlobStore> {
    /// A session of this hour with one part.
    async fn unfinished(&self, hour: u64) -> Result<Upload, Fail> {
        let staging = self.names_of(&self.upload(), hour).0;
        let key = ObjectKey::of(&staging);
        let session = self.parts()?.open(&key).await?;
        let upload = Upload { staging, key, session };
        self.put(&upload, 1, b"part").await?;
        Ok(upload)
    }

    /// Names of every kind in every given hour, in order.
    async fn mixed(&self, hours: &[u64], each: usize) -> Result<Vec<Listed>, Fail> {
        let mut listed = Vec::new();
        for hour in hours {
            for i in 0..each {
                let (staging, key) = self.names_of(&self.upload(), *hour);
                self.object_at(&staging, &key, b"object").await?;
                let staging = match i % 2 {
                    0 => self.unfinished(*hour).await?.staging,
                    _ => {
                        self.stage(&staging, b"fragment").await?;
                        staging
                    }
                };
                listed.extend([Listed::Staged(staging), Listed::Object(key)]);
            }
        }
        listed.sort_by(|a, b| text(a).cmp(text(b)));
        Ok(listed)
    }
}

async fn shows_sessions_and_fragments_in_order(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let expected = t.mixed(&[HOUR, HOUR + 1, HOUR - 1], 4).await?;
    for limit in [1, 2, 5, 1000] {
        holds(&walk(&t, HOUR + 1, limit).await?, &expected)?;
    }
    Ok(())
}

async fn stops_sessions_at_the_hour(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let early = t.mixed(&[HOUR - 10, HOUR], 2).await?;
    let late = t.mixed(&[HOUR + 1, HOUR + 100], 2).await?;
    for limit in [1, 3, 1000] {
        let all = walk(&t, HOUR, limit).await?;
        holds(&all, &early)?;
        lacks(&all, &late)?;
    }
    holds(&walk(&t, HOUR + 100, 1000).await?, &late)
}

/// Many fragments and sessions of one staging name are one name, wherever a page ends.
async fn shows_a_name_once(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let mut ours = Vec::new();
    for _ in 0..3 {
        let upload = t.unfinished(HOUR).await?;
        t.stage(&upload.staging, b"fragment").await?;
        let session = t.parts()?.open(&upload.key).await?;
        let second = Upload { staging: upload.staging.clone(), key: upload.key.clone(), session };
        t.put(&second, 1, b"part").await?;
        ours.push(Listed::Staged(upload.staging));
    }
    for limit in [1, 2, 1000] {
        let all = walk(&t, HOUR, limit).await?;
        for name in &ours {
            let times = all.iter().filter(|listed| *listed == name).count();
            ensure!(times == 1, "{name:?} is listed {times} times in pages of {limit}");
        }
    }
    Ok(())
}

async fn forgets_sessions_that_ended(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let completed = t.upload_in_parts().await?;
    let part = t.put(&completed, 1, b"abc").await?;
    t.makes(&completed, &[Sent { part, bytes: b"abc".to_vec() }]).await?;
    let aborted = t.unfinished(HOUR).await?;
    t.parts()?.abort(&aborted.key, &aborted.session).await?;
    let discarded = t.unfinished(HOUR).await?;
    t.store.discard(&discarded.staging).await?;
    let live = t.unfinished(HOUR).await?;
    let all = walk(&t, HOUR, 1000).await?;
    holds(&all, &[Listed::Object(completed.key), Listed::Staged(live.staging)])?;
    lacks(&all, &[completed.staging, aborted.staging, discarded.staging].map(Listed::Staged))
}

async fn holds_hundreds_of_sessions(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let expected = t.mixed(&[HOUR - 3, HOUR, HOUR + 3], 60).await?;
    for limit in [17, 100, 1000] {
        holds(&walk(&t, HOUR + 3, limit).await?, &expected)?;
    }
    Ok(())
}

/// A crash between the opening and the record leaves such a one.
async fn shows_sessions_without_parts(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    holds(&walk(&t, HOUR, 1000).await?, &[Listed::Staged(upload.staging.clone())])?;
    t.store.discard(&upload.staging).await?;
    lacks(&walk(&t, HOUR, 1000).await?, &[Listed::Staged(upload.staging)])
}
