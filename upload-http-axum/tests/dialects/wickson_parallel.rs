//! Many uploads of the same bytes at once, and bodies that are cut: one is there, once, paid once; nothing else is.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::{Answer, Part, Request};
use crate::wickson::{PATH, Wickson, error, parts, pdf, principal, upload};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use upload_core::{ErrorKind, Stage};

/// Sends all of them at once.
async fn at_once(server: &Arc<Wickson>, requests: Vec<Request>) -> Vec<Answer> {
    let sent: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let server = Arc::clone(server);
            tokio::spawn(async move { server.send(&request).await })
        })
        .collect();
    let mut answers = Vec::new();
    for one in sent {
        answers.push(one.await.unwrap());
    }
    answers
}

/// How many of the uploads that were completed are still there.
async fn standing(server: &Wickson) -> usize {
    let mut standing = 0;
    for id in server.completed.ids() {
        match server.uploads.engine().inspect(&principal("acme"), &id).await {
            Ok(inspection) => match inspection.stage {
                Stage::Completed(_) => standing += 1,
                Stage::Removed => {}
                other => panic!("{other:?}"),
            },
            Err(e) => assert!(matches!(e.kind, ErrorKind::Gone | ErrorKind::NotFound), "{e}"),
        }
    }
    standing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_that_are_the_same_one_is_taken() {
    for round in 0..8 {
        let server = Arc::new(Wickson::start().await);
        // Half of them say the collection after the file.
        let content = pdf(round);
        let last = parts(PATH, &[Part::File("b.pdf", &content), Part::Field("collection_id", "default")]);
        let requests =
            (0..32).map(|n| if n % 2 == 0 { upload("a.pdf", &content, &[]) } else { last.clone() });
        let answers = at_once(&server, requests.collect()).await;
        let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((taken.len(), refused.len()), (1, 31), "round {round}");
        let data = &taken[0].json()["data"];
        for answer in refused {
            assert!(error(answer, 409, "DUPLICATE_FILE").ends_with(data["media_id"].as_str().unwrap()));
        }
        assert_eq!((server.spent().await, server.completed.ids().len()), (4, 1));
        assert_eq!(data["balance_info"]["new_balance"], 999_999.96);
        assert_eq!(server.stored().await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_that_replace_each_other_one_stands() {
    for round in 0..4 {
        let server = Arc::new(Wickson::start().await);
        let content = pdf(round);
        let request = upload("a.pdf", &content, &[("force_overwrite", "true")]);
        let answers = at_once(&server, vec![request; 32]).await;
        let mut ids = BTreeSet::new();
        for answer in &answers {
            assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
            ids.insert(answer.json()["data"]["media_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 1);
        assert_eq!(server.spent().await, 32 * 4);
        assert_eq!((server.completed.ids().len(), standing(&server).await), (32, 1), "round {round}");
        let said = error(&server.upload("a.pdf", &content, &[]).await, 409, "DUPLICATE_FILE");
        assert!(said.ends_with(ids.first().unwrap()));
        assert_eq!(server.stored().await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_bad_and_different_ones_at_once() {
    let server = Arc::new(Wickson::start().await);
    let requests = (0..32).map(|n: u64| match n % 4 {
        0 => upload("unreadable.pdf", &pdf(0), &[]),
        1 => upload("failing.pdf", &pdf(0), &[("force_overwrite", "1")]),
        2 => upload("good.pdf", &pdf(0), &[]),
        _ => upload("other.pdf", &pdf(n), &[]),
    });
    let answers = at_once(&server, requests.collect()).await;
    for (n, answer) in answers.iter().enumerate() {
        match n % 4 {
            // A good one may be there before a bad one is looked at.
            0 => assert!(matches!(answer.status, 409 | 500 | 503), "{answer:?}"),
            1 => assert!(matches!(answer.status, 500 | 503), "{answer:?}"),
            // Another one that is being finished may fail under its eyes.
            2 => assert!(matches!(answer.status, 200 | 409 | 503), "{answer:?}"),
            _ => assert_eq!(answer.status, 200, "{answer:?}"),
        }
    }
    let good = answers.iter().skip(2).step_by(4).filter(|answer| answer.status == 200).count();
    assert!(good <= 1, "{good}");
    assert_eq!(server.spent().await, 4 * (8 + good as u64));
    assert_eq!(standing(&server).await, 8 + good);
    // Whatever became of them, it can be uploaded, or is there.
    let again = server.upload("good.pdf", &pdf(0), &[]).await;
    assert_eq!(again.status, if good == 1 { 409 } else { 200 }, "{again:?}");
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn a_replaced_one_gives_way_under_the_same_id() {
    let server = Wickson::start().await;
    let overwrite = [("force_overwrite", "true")];
    let first = server.uploaded("first.pdf", &pdf(1), &overwrite).await;
    let second = server.uploaded("second.pdf", &pdf(1), &overwrite).await;
    assert_eq!(first["media_id"], second["media_id"]);
    assert_ne!(first["processing_info"]["job_id"], second["processing_info"]["job_id"]);
    assert_eq!(second["file_details"]["filename"], "second.pdf");
    assert_eq!(second["balance_info"]["previous_balance"], first["balance_info"]["new_balance"]);
    assert_eq!((standing(&server).await, server.spent().await), (1, 8));
    // In another collection it replaces nothing.
    server.uploaded("a.pdf", &pdf(1), &[("force_overwrite", "true"), ("collection_id", "b")]).await;
    assert_eq!(standing(&server).await, 2);
}

#[tokio::test]
async fn content_is_kept_where_the_destination_says_so() {
    let server = Wickson::with(|numbers| numbers.policy.keep_content = true).await;
    server.uploaded("a.pdf", &pdf(1), &[]).await;
    let id = server.completed.ids().remove(0);
    assert!(server.uploads.engine().read(Some(&principal("acme")), &id).await.is_ok());
    assert_eq!(server.stored().await.len(), 1);

    let server = Wickson::start().await;
    server.uploaded("a.pdf", &pdf(1), &[]).await;
    let id = server.completed.ids().remove(0);
    let gone = server.uploads.engine().read(Some(&principal("acme")), &id).await.map(drop).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Gone);
    let kept = server.uploads.engine().inspect(&principal("acme"), &id).await.unwrap();
    let Stage::Completed(outcome) = kept.stage else { panic!("{kept:?}") };
    assert_eq!((outcome.charges.len(), &outcome.details["file_details"]["page_count"]), (2, &23.into()));
    assert_eq!(outcome.extras["wickson"]["collection"], "default");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_bodies_leave_nothing() {
    let server = Wickson::start().await;
    let mut content = pdf(1);
    content.resize(3000, b' ');
    let first = upload("a.pdf", &content, &[("collection_id", "a"), ("force_overwrite", "1")]);
    let last = parts(PATH, &[Part::File("a.pdf", &content), Part::Field("collection_id", "a")]);
    for request in [first, last] {
        let (bytes, head) = (request.bytes(), request.head().len());
        for end in (head..bytes.len()).step_by(37).chain([bytes.len() - 5, bytes.len() - 1]) {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(&bytes[..end]).await.unwrap();
            match end % 3 {
                0 => stream.set_zero_linger().unwrap(),
                1 => stream.shutdown().await.unwrap(),
                _ => {}
            }
            if end % 3 == 1
                && let Some(answer) = Answer::try_read(&mut stream, false).await
            {
                // The form's last line end may be missing.
                assert!(answer.status == 400 || end + 2 >= bytes.len(), "{end}: {answer:?}");
            }
        }
        // Without the form's end, though all that was told has come.
        let mut cut = request.clone();
        cut.body.truncate(request.body.len() - 8);
        error(&server.send(&cut).await, 400, "INVALID_PARAMETER");
    }
    assert_eq!(server.stored().await, []);
    let completed = server.completed.ids().len() as u64;
    assert!(completed <= 4);
    assert_eq!(server.spent().await, 4 * completed);
}
