//! Files, and the clients that upload them by signed requests: each request is sent until it is answered, and none again.
#![allow(dead_code)]

use serde_json::{Value, json};
use upload_checksum::{Algorithm, Digest, Hasher};

use super::signed::{DIRECT, PLACEOS, Request, World};
use super::support::Chance;
use super::support::http::Answer;
use super::support::xml::elements;

/// What the clients of PlaceOS cut files into.
pub const PART: usize = 5 << 20;

pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

pub fn md5(bytes: &[u8]) -> Digest {
    digest(Algorithm::Md5, bytes)
}

/// A file of a client's.
pub struct File {
    pub name: String,
    ending: &'static str,
    pub bytes: Vec<u8>,
}

impl File {
    pub fn new(ending: &'static str, length: usize, chance: &mut Chance) -> Self {
        let mut file = Self { name: String::new(), ending, bytes: chance.bytes(length) };
        file.change(chance);
        file
    }

    /// Makes another one of it, of the same length.
    pub fn change(&mut self, chance: &mut Chance) {
        let fresh = chance.next();
        self.name = format!("{fresh:016x}.{}", self.ending);
        for (byte, fresh) in self.bytes.iter_mut().zip(fresh.to_le_bytes()) {
            *byte = fresh;
        }
    }

    pub fn part(&self, n: usize) -> &[u8] {
        &self.bytes[(n - 1) * PART..self.bytes.len().min(n * PART)]
    }

    pub fn parts(&self) -> usize {
        self.bytes.len().div_ceil(PART)
    }
}

/// An upload that is complete.
pub enum Done {
    /// Its id.
    Placeos(String),
    /// Its signed id.
    Direct(String),
}

impl Done {
    /// Reads it, by a signed link too.
    pub fn read(&self, world: &mut World) -> Vec<u8> {
        let url = match self {
            Self::Placeos(id) => {
                let link = world.ask(&Request::api("GET", &format!("{PLACEOS}/{id}/url"), None));
                assert_eq!(link.status, 303, "{}", link.text());
                link.header("location").unwrap().to_owned()
            }
            Self::Direct(signed_id) => {
                let state = world.ask(&Request::api("GET", &format!("{DIRECT}/{signed_id}"), None));
                assert_eq!(
                    (state.status, &state.json()["state"]),
                    (200, &json!("stored")),
                    "{}",
                    state.text()
                );
                state.json()["url"].as_str().unwrap().to_owned()
            }
        };
        let got = world.ask(&Request::link(&url));
        assert_eq!(got.status, 200, "{url}");
        got.body
    }
}

/// Which requests a client sends, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The class API of PlaceOS: first `/new`, then `POST`.
    Oldest,
    /// The function API of PlaceOS: `POST` straight away.
    Newest,
    /// Direct Upload with this checksum.
    Direct(Algorithm),
}

impl Kind {
    /// Uploads a file.
    pub fn upload(self, world: &mut World, file: &File) -> Done {
        match self {
            Self::Direct(algorithm) => direct(world, file, algorithm),
            _ => {
                let mut client = Placeos::begin(world, self, file);
                if client.created["type"] == "direct_upload" {
                    world.call(&Request::of(&client.created["signature"], &file.bytes));
                } else {
                    client.begin_parts(world);
                    for n in 1..=file.parts() {
                        client.send(world, n);
                    }
                    client.commit(world);
                }
                client.close(world)
            }
        }
    }
}

/// The request that makes a record.
pub fn record(file: &File, algorithm: Algorithm) -> Request<'static> {
    let blob = json!({
        "filename": file.name, "content_type": "video/mp4", "byte_size": file.bytes.len(),
        "checksum": digest(algorithm, &file.bytes).to_base64(),
    });
    Request::api("POST", DIRECT, Some(&json!({ "blob": blob })))
}

fn direct(world: &mut World, file: &File, algorithm: Algorithm) -> Done {
    let record = world.call(&record(file, algorithm)).json();
    let signed_id = record["signed_id"].as_str().unwrap();
    let state = |world: &mut World| {
        world.call(&Request::api("GET", &format!("{DIRECT}/{signed_id}"), None)).json()["state"].clone()
    };
    assert_eq!(state(world), "pending");
    let put = world.call(&Request::signed("PUT", &record["direct_upload"], &file.bytes));
    assert_eq!((put.status, put.body.len()), (204, 0));
    assert_eq!(state(world), "stored");
    Done::Direct(signed_id.to_owned())
}

/// A client of PlaceOS, and what it was answered.
pub struct Placeos<'a> {
    kind: Kind,
    file: &'a File,
    pub created: Value,
    pub id: String,
    resumable_id: String,
    /// Parts that were acknowledged, by number: never sent again.
    pub acknowledged: Vec<usize>,
    /// What the server was told last, and said that it heard.
    told: Option<Vec<usize>>,
    /// A request for the list of parts, of before the server was killed.
    list: Option<Value>,
}

impl<'a> Placeos<'a> {
    pub fn begin(world: &mut World, kind: Kind, file: &'a File) -> Self {
        if kind == Kind::Oldest {
            let query = format!("?file_size={}&file_name={}", file.bytes.len(), file.name);
            let new = world.call(&Request::api("GET", &format!("{PLACEOS}/new{query}"), None));
            assert_eq!(new.json(), json!({ "residence": "AmazonS3" }));
        }
        let created = world.call(&Self::post(kind, file)).json();
        let id = created["upload_id"].as_str().unwrap().to_owned();
        let none = String::new();
        Self { kind, file, created, id, resumable_id: none, acknowledged: Vec::new(), told: None, list: None }
    }

    /// The request that begins an upload, and finds it again.
    fn post(kind: Kind, file: &File) -> Request<'static> {
        let body = if kind == Kind::Oldest {
            let first = if file.bytes.is_empty() { &[] } else { file.part(1) };
            json!({
                "file_size": file.bytes.len().to_string(), "file_name": file.name,
                "file_id": md5(first).to_base64(),
            })
        } else {
            json!({
                "file_size": file.bytes.len(), "file_name": file.name, "file_mime": "",
                "file_id": md5(&file.bytes).to_base64(), "permissions": "none", "public": false,
            })
        };
        Request::api("POST", PLACEOS, Some(&body))
    }

    fn path(&self) -> String {
        format!("{PLACEOS}/{}", self.id)
    }

    /// Begins the session of parts at the store.
    pub fn begin_parts(&mut self, world: &mut World) {
        assert_eq!(self.created["type"], "chunked_upload", "{}", self.created);
        let begun = world.call(&Request::of(&self.created["signature"], Vec::new()));
        self.resumable_id = elements(begun.text(), "UploadId").pop().unwrap();
        self.look(world);
    }

    /// Asks for the signature of a part.
    pub fn sign(&mut self, world: &mut World, n: usize) -> Value {
        let file_id = md5(self.file.part(n)).to_base64();
        let mut path = self.path();
        let mut told = None;
        let body = match (self.kind, n) {
            // In the body, and no query.
            (Kind::Oldest, 1) => json!({ "resumable_id": self.resumable_id, "file_id": file_id, "part": 1 }),
            (kind, n) => {
                let escaped = file_id.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
                path.push_str(&format!("?part={n}&file_id={escaped}"));
                // The oldest tells of the parts in flight with MD5s in hex, the newest of those that are stored.
                let (list, hex) = match kind {
                    Kind::Oldest => (vec![n], true),
                    _ => (self.acknowledged.clone(), false),
                };
                if list.is_empty() {
                    json!({ "resumable_id": self.resumable_id })
                } else {
                    told = Some(list.clone());
                    self.progress(&list, hex)
                }
            }
        };
        let answer = world.call(&Request::api("PATCH", &path, Some(&body))).json();
        assert_eq!((&answer["type"], &answer["body"]), (&json!("part_upload"), &Value::Null), "{answer}");
        self.told = told.or(self.told.take());
        self.look(world);
        answer["signature"].clone()
    }

    fn progress(&self, list: &[usize], hex: bool) -> Value {
        let data = list.iter().map(|n| {
            let md5 = md5(self.file.part(*n));
            json!({ "part": n, "md5": if hex { md5.to_hex() } else { md5.to_base64() } })
        });
        json!({ "part_list": list, "part_data": data.collect::<Vec<_>>() })
    }

    /// Asks for the signature of a part, and sends it.
    pub fn send(&mut self, world: &mut World, n: usize) {
        let signature = self.sign(world, n);
        let answer = world.call(&Request::of(&signature, self.file.part(n)));
        self.stored(&answer, n);
        self.look(world);
    }

    /// Takes the answer to a part.
    pub fn stored(&mut self, answer: &Answer, n: usize) {
        let etag = format!("\"{}\"", md5(self.file.part(n)).to_hex());
        assert_eq!((answer.status, answer.header("etag")), (200, Some(etag.as_str())), "{}", answer.text());
        self.acknowledged.push(n);
        self.acknowledged.sort_unstable();
    }

    /// Sends the manifest.
    pub fn commit(&mut self, world: &mut World) {
        let path = self.path();
        let finish = if self.kind == Kind::Oldest {
            world.call(&Request::api("GET", &format!("{path}/edit?part=finish"), None)).json()
        } else {
            let all = self.acknowledged.clone();
            let body = self.progress(&all, false);
            let answer = world.call(&Request::api("PATCH", &format!("{path}?"), Some(&body))).json();
            self.told = Some(all);
            answer
        };
        assert_eq!((&finish["type"], &finish["body"]), (&json!("finish"), &Value::Null));
        self.look(world);
        let parts = (1..=self.file.parts()).map(|n| {
            let etag = md5(self.file.part(n)).to_hex();
            format!("<Part><PartNumber>{n}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
        });
        let manifest =
            format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
        world.call(&Request::of(&finish["signature"], manifest.into_bytes()));
        self.look(world);
    }

    /// Says that all is there.
    pub fn close(self, world: &mut World) -> Done {
        let body = (self.kind == Kind::Oldest).then(|| json!({}));
        let done = world.call(&Request::api("PUT", &self.path(), body.as_ref())).json();
        assert_eq!(done, json!({ "ok": true }));
        Done::Placeos(self.id)
    }

    /// Behind a kill: the upload is found again, and holds what was acknowledged and what was told.
    fn look(&mut self, world: &mut World) {
        if !world.was_killed() {
            return;
        }
        let again = world.ask(&Self::post(self.kind, self.file)).json();
        assert_eq!(again["upload_id"], self.id.as_str(), "the same upload");
        let Some(told) = &self.told else {
            assert_eq!(again["type"], "chunked_upload", "{again}");
            return;
        };
        assert_eq!((&again["type"], &again["part_list"]), (&json!("parts"), &json!(told)), "{again}");
        for n in told {
            let md5 = again["part_data"][n.to_string()]["md5"].as_str();
            let of_part = md5_of(self.file.part(*n), self.kind == Kind::Oldest);
            assert_eq!(md5, Some(of_part.as_str()), "part {n}");
        }
        // A request that was signed before, too.
        let lists: Vec<_> = self.list.iter().chain([&again["signature"]]).cloned().collect();
        for list in lists {
            let answer = world.ask(&Request::of(&list, Vec::new()));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let numbers = elements(answer.text(), "PartNumber");
            let numbers: Vec<usize> = numbers.iter().map(|n| n.parse().unwrap()).collect();
            assert_eq!(numbers, self.acknowledged, "the store's parts");
            let etags = elements(answer.text(), "ETag");
            for (n, etag) in numbers.iter().zip(etags) {
                assert_eq!(etag, format!("&quot;{}&quot;", md5_of(self.file.part(*n), true)), "part {n}");
            }
        }
        self.list = Some(again["signature"].clone());
    }
}

fn md5_of(bytes: &[u8], hex: bool) -> String {
    let md5 = md5(bytes);
    if hex { md5.to_hex() } else { md5.to_base64() }
}
