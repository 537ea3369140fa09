//! The signed flows against the real server, killed between any two requests, within requests, and told to stop: what was
//! acknowledged is not asked for again, what was signed stays signed, and the bytes are the same in the end.
//!
//! Every gap of every flow, for each durability; and `KILLS` (40) kills at seeded points within requests, for each durability:
//! `KILLS=1000 SEED=7 cargo test --release -p upload-examples --test live_signed`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

#[path = "support/signed.rs"]
mod signed;
mod support;
#[path = "support/uploads.rs"]
mod uploads;

use rustix::process::Signal;
use serde_json::{Value, json};
use signed::{DIRECT, PLACEOS, Plan, Request, World};
use support::client::sha;
use support::http::{Answer, Connection};
use support::{TempDir, from_env, store};
use upload_checksum::Algorithm;
use uploads::{Done, File, Kind, PART, Placeos, record};

fn world(dir: &TempDir, durability: &str) -> World {
    World::new(dir, &["--durability", durability], from_env("SEED", 20_261_121))
}

/// Uploads that are complete, and the digests of their bytes.
struct Completed {
    all: Vec<(Done, String)>,
    other: usize,
}

impl Completed {
    fn new() -> Self {
        Self { all: Vec::new(), other: 0 }
    }

    /// Uploads a file while the plan is carried out, and reads it back: how many requests that took.
    fn upload(&mut self, world: &mut World, kind: Kind, file: &mut File, plan: Plan) -> usize {
        file.change(&mut world.chance);
        world.plan(plan);
        let done = kind.upload(world, file);
        let requests = world.unplan();
        assert!(done.read(world) == file.bytes, "{kind:?}: {} is not what was sent", file.name);
        self.all.push((done, sha([&file.bytes[..]])));
        requests
    }

    /// What is told of, what lies in the directory, and what is read are the completed ones, and nothing else.
    fn check(&self, world: &mut World) {
        let ids = self.all.iter().filter_map(|(done, _)| match done {
            Done::Placeos(id) => Some(id.as_str()),
            Done::Direct(_) => None,
        });
        let ids: Vec<_> = ids.collect();
        let rows = world.ask(&Request::api("GET", &format!("{PLACEOS}?limit=1000"), None)).json();
        let (complete, unfinished): (Vec<_>, Vec<_>) =
            rows.as_array().unwrap().iter().partition(|row| row["upload_complete"] == true);
        // Newest first.
        let listed: Vec<_> = complete.iter().rev().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(listed, ids);
        assert!(unfinished.len() <= world.unheard, "{unfinished:?}");
        if let Some((staged, objects)) = world.stored() {
            assert!(staged.is_empty(), "in staging: {staged:?}");
            assert_eq!(objects.len(), self.all.len() + self.other, "{objects:?}");
            for id in ids {
                let id = id.strip_prefix("uploads-").unwrap();
                assert_eq!(objects.iter().filter(|name| name.starts_with(id)).count(), 1, "{id}");
            }
        }
        for (done, expected) in &self.all {
            assert_eq!(&sha([&done.read(world)[..]]), expected);
        }
    }

    /// The same, and what lies in an object store once those who clean up have been there.
    fn check_remains(&self, world: &mut World) {
        self.check(world);
        drop(world.take());
        let contents: Vec<_> = self.all.iter().map(|(_, sha)| sha.clone()).collect();
        store::check_remains(world.data(), &contents);
    }
}

/// All flows, each with a file of its own.
fn flows(world: &mut World) -> Vec<(Kind, File)> {
    let mib = 1 << 20;
    [
        (Kind::Oldest, "bin", 100_003),
        (Kind::Newest, "mp4", 4_999_999),
        (Kind::Newest, "mp4", 0),
        (Kind::Direct(Algorithm::Md5), "bin", 0),
        (Kind::Direct(Algorithm::Md5), "bin", 3 * mib),
        (Kind::Direct(Algorithm::Sha256), "txt", 0),
        (Kind::Direct(Algorithm::Sha256), "txt", 3 * mib),
        (Kind::Oldest, "bin", 3 * PART + 70_001),
        (Kind::Newest, "mp4", 3 * PART + 70_001),
    ]
    .map(|(kind, ending, length)| (kind, File::new(ending, length, &mut world.chance)))
    .into()
}

fn killed_in_every_gap(durability: &str) {
    let dir = TempDir::new();
    let mut world = world(&dir, durability);
    let mut completed = Completed::new();
    for (kind, mut file) in flows(&mut world) {
        let requests = completed.upload(&mut world, kind, &mut file, Plan::Never);
        for gap in 0..requests {
            let again = completed.upload(&mut world, kind, &mut file, Plan::Behind(gap));
            assert_eq!(again, requests, "{kind:?}: no request was needed again");
        }
    }
    completed.check_remains(&mut world);
    println!("{} kills between requests under durability {durability}", world.kills);
}

#[test]
fn killed_in_every_gap_under_durability_request() {
    killed_in_every_gap("request");
}

#[test]
fn killed_in_every_gap_under_durability_none() {
    killed_in_every_gap("none");
}

fn killed_anywhere(durability: &str) {
    let dir = TempDir::new();
    let mut world = world(&dir, durability);
    let mut completed = Completed::new();
    let mut flows = flows(&mut world);
    // Each request with a body of bytes once, so that it is certain.
    for (kind, file) in &mut flows {
        let bodies = match kind {
            Kind::Direct(_) => 2..3,
            Kind::Oldest if file.bytes.len() < PART => 2..3,
            Kind::Newest if file.bytes.len() < PART => 1..2,
            // The last of the parts.
            Kind::Oldest => 10..11,
            Kind::Newest => 9..10,
        };
        for n in bodies {
            completed.upload(&mut world, *kind, file, Plan::Within(n));
        }
    }
    while world.kills < from_env("KILLS", 40) {
        let n = world.chance.below(flows.len() as u64) as usize;
        let (kind, file) = &mut flows[n];
        completed.upload(&mut world, *kind, file, Plan::Anywhere);
    }
    completed.check_remains(&mut world);
    println!("{} kills anywhere under durability {durability}", world.kills);
}

#[test]
fn killed_anywhere_under_durability_request() {
    killed_anywhere("request");
}

#[test]
fn killed_anywhere_under_durability_none() {
    killed_anywhere("none");
}

/// Sends each of these requests on a connection of its own and all at once, and reads their answers.
fn at_once(address: &str, requests: &[Request<'_>]) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let sent: Vec<_> = requests.iter().map(|request| scope.spawn(|| request.ask(address))).collect();
        sent.into_iter().map(|answer| answer.join().unwrap()).collect()
    })
}

#[test]
fn killed_with_three_parts_under_way_at_once() {
    let dir = TempDir::new();
    let mut world = world(&dir, "request");
    let mut file = File::new("mp4", 3 * PART + 70_001, &mut world.chance);
    let mut completed = Completed::new();
    for _ in 0..4 {
        file.change(&mut world.chance);
        let mut client = Placeos::begin(&mut world, Kind::Newest, &file);
        client.begin_parts(&mut world);
        let signed: Vec<_> = (1..=3).map(|n| client.sign(&mut world, n)).collect();
        let requests: Vec<_> = (1..=3).map(|n| Request::of(&signed[n - 1], file.part(n))).collect();
        let address = world.address();
        let mut under_way = Vec::new();
        for request in &requests {
            let mut connection = Connection::open(&address).unwrap();
            request.send_head(&mut connection, &[]).unwrap();
            request.send_body(&mut connection, world.chance.below(PART as u64) as usize).unwrap();
            under_way.push(connection);
        }
        world.kill();
        drop(under_way);
        // What was signed before is still good, in whatever order it comes.
        for (n, answer) in at_once(&world.address(), &requests).iter().enumerate() {
            client.stored(answer, n + 1);
        }
        client.send(&mut world, 4);
        client.commit(&mut world);
        let done = client.close(&mut world);
        assert!(done.read(&mut world) == file.bytes);
        completed.all.push((done, sha([&file.bytes[..]])));
    }
    completed.check(&mut world);
}

/// Begins an upload of PlaceOS and one of Direct Upload.
fn begun<'a>(world: &mut World, file: &'a File) -> (Placeos<'a>, Value) {
    let placeos = Placeos::begin(world, Kind::Newest, file);
    let direct = world.ask(&record(file, Algorithm::Md5)).json();
    (placeos, direct)
}

#[test]
fn secrets_rotate() {
    let dir = TempDir::new();
    let data = dir.path().join("data");
    let secrets = |lines: &str| dir.file("secrets", lines);
    let file = secrets("the-first-secret-of-all\n");
    let mut world = World::new(&dir, &["--secret-file", file.to_str().unwrap()], 3);
    let small = File::new("bin", 1000, &mut world.chance);
    let other = File::new("bin", 1000, &mut world.chance);
    let puts = |placeos: &Placeos<'_>, direct: &Value, file: &File| {
        [
            Request::of(&placeos.created["signature"], file.bytes.clone()),
            Request::signed("PUT", &direct["direct_upload"], file.bytes.clone()),
        ]
    };
    let state = |world: &mut World, direct: &Value| {
        let signed_id = direct["signed_id"].as_str().unwrap();
        world.ask(&Request::api("GET", &format!("{DIRECT}/{signed_id}"), None))
    };

    let (placeos, direct) = begun(&mut world, &small);
    world.take().stop();
    assert!(!data.join("secret").exists(), "the file's are used, and no other is made");
    secrets("a-second-secret-in-its-place\nthe-first-secret-of-all\n");
    let sent = puts(&placeos, &direct, &small).map(|put| world.ask(&put).status);
    assert_eq!(sent, [200, 204], "what the old secret sealed is good");
    let id = placeos.id.clone();
    let done = placeos.close(&mut world);
    assert!(done.read(&mut world) == small.bytes);
    assert_eq!(state(&mut world, &direct).json()["state"], "stored");

    // Sealed by the second. The signed id of the first record was sealed by the first.
    let (placeos, later) = begun(&mut world, &other);
    let old_link = world.ask(&Request::api("GET", &format!("{PLACEOS}/{id}/url"), None));
    let old_link = Request::link(old_link.header("location").unwrap());
    world.take().kill();
    secrets("a-third-secret\u{20}of-good-length\na-second-secret-in-its-place\n");
    assert_eq!(state(&mut world, &direct).status, 404, "its secret is gone");
    assert_eq!(world.ask(&old_link).status, 200);
    assert_eq!(puts(&placeos, &later, &other).map(|put| world.ask(&put).status), [200, 204]);
    let done = placeos.close(&mut world);
    assert!(done.read(&mut world) == other.bytes);

    world.take().stop();
    secrets("a-third-secret\u{20}of-good-length\n");
    let again = File::new("bin", 1000, &mut world.chance);
    let (placeos, direct) = begun(&mut world, &again);
    world.take().stop();
    secrets("a-fourth-secret-and-no-other\n");
    let refused = puts(&placeos, &direct, &again).map(|put| world.ask(&put));
    assert_eq!([refused[0].status, refused[1].status], [403, 404]);
    assert!(refused[0].text().contains("<Code>AccessDenied</Code>"), "{}", refused[0].text());
    assert_eq!(world.ask(&old_link).status, 403);
    // Nothing is lost by it: the same client asks again.
    let (placeos, direct) = begun(&mut world, &again);
    assert_eq!(puts(&placeos, &direct, &again).map(|put| world.ask(&put).status), [200, 204]);
    let done = placeos.close(&mut world);
    assert!(done.read(&mut world) == again.bytes);
}

#[test]
fn what_is_deleted_is_not_read_any_more() {
    let dir = TempDir::new();
    let mut world = world(&dir, "request");
    let mut completed = Completed::new();
    let mut small = File::new("bin", 1000, &mut world.chance);
    let mut film = File::new("mp4", PART + 1000, &mut world.chance);
    completed.upload(&mut world, Kind::Newest, &mut small, Plan::Never);
    let delete = |world: &mut World, id: &str| {
        let deleted = world.ask(&Request::api("DELETE", &format!("{PLACEOS}/{id}"), None));
        assert_eq!((deleted.status, deleted.body.len()), (202, 0));
    };
    let is_gone = |world: &mut World, id: &str| {
        for (method, below) in
            [("GET", "/download"), ("GET", "/url"), ("PUT", ""), ("GET", "/edit?part=finish"), ("PATCH", "")]
        {
            let answer = world.ask(&Request::api(method, &format!("{PLACEOS}/{id}{below}"), None));
            assert_eq!(answer.status, 404, "{method} {below}");
            assert_eq!(answer.json(), json!({ "error": format!("Invalid upload id: {id}") }));
        }
    };

    // Unfinished, with a part that is stored and one that is signed.
    film.change(&mut world.chance);
    let mut client = Placeos::begin(&mut world, Kind::Newest, &film);
    client.begin_parts(&mut world);
    client.send(&mut world, 1);
    let second = client.sign(&mut world, 2);
    let id = client.id.clone();
    delete(&mut world, &id);
    let no_such_upload = |answer: Answer| {
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert!(answer.text().contains("<Code>NoSuchUpload</Code>"), "{}", answer.text());
    };
    is_gone(&mut world, &id);
    no_such_upload(world.ask(&Request::of(&second, film.part(2))));
    completed.check(&mut world);
    // It is no different to the next process.
    world.kill();
    is_gone(&mut world, &id);
    no_such_upload(world.ask(&Request::of(&second, film.part(2))));
    completed.check(&mut world);
    // The same file is a new upload.
    completed.upload(&mut world, Kind::Newest, &mut film, Plan::Never);

    // Completed, with a link that is out.
    let (done, _) = completed.all.pop().unwrap();
    let Done::Placeos(id) = done else { panic!("of PlaceOS") };
    let link = world.ask(&Request::api("GET", &format!("{PLACEOS}/{id}/url"), None));
    let link = Request::link(link.header("location").unwrap());
    assert!(world.ask(&link).body == film.bytes);
    delete(&mut world, &id);
    for _ in 0..2 {
        is_gone(&mut world, &id);
        let read = world.ask(&link);
        assert!(read.status == 404 && read.text().contains("<Code>NoSuchKey</Code>"), "{}", read.text());
        world.kill();
    }
    // Its bytes go when those who read it have had their time.
    completed.other = world.stored().map_or(0, |(_, objects)| objects.len() - completed.all.len());
    assert!(completed.other <= 1);
    completed.check(&mut world);
}

#[test]
fn told_to_stop_within_a_signed_request_it_stops_and_the_client_goes_on() {
    let dir = TempDir::new();
    let mut world = world(&dir, "request");
    let mut completed = Completed::new();
    let film = File::new("mp4", PART + 1_000_000, &mut world.chance);
    let small = File::new("bin", 2_000_000, &mut world.chance);

    let mut client = Placeos::begin(&mut world, Kind::Newest, &film);
    client.begin_parts(&mut world);
    client.send(&mut world, 1);
    let second = client.sign(&mut world, 2);
    let whole = Placeos::begin(&mut world, Kind::Newest, &small);
    let direct = world.ask(&record(&small, Algorithm::Sha256)).json();
    for (request, expected) in [
        (Request::of(&second, film.part(2)), 200),
        (Request::of(&whole.created["signature"], &small.bytes), 200),
        (Request::signed("PUT", &direct["direct_upload"], &small.bytes), 204),
    ] {
        let mut connection = Connection::open(&world.address()).unwrap();
        // It is waited for in the middle of its body: the server has asked for it.
        request.send_head(&mut connection, &[("expect", "100-continue")]).unwrap();
        assert_eq!(connection.answer_head().unwrap().status, 100);
        request.send_body(&mut connection, request.len() / 2).unwrap();
        let server = world.take();
        server.signal(Signal::TERM);
        match connection.answer(request.method()) {
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{}", answer.text());
                assert!(answer.header("retry-after").is_some());
            }
            Err(e) => println!("closed: {e}"),
        }
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");
        assert_eq!(world.ask(&request).status, expected);
    }
    client.acknowledged.push(2);
    client.commit(&mut world);
    for (done, file) in [(client.close(&mut world), &film), (whole.close(&mut world), &small)] {
        assert!(done.read(&mut world) == file.bytes);
        completed.all.push((done, sha([&file.bytes[..]])));
    }
    let done = Done::Direct(direct["signed_id"].as_str().unwrap().to_owned());
    assert!(done.read(&mut world) == small.bytes);
    completed.all.push((done, sha([&small.bytes[..]])));
    completed.check(&mut world);
}
