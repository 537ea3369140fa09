//! Thumbnails of images: made once they are complete, also by the process after the one that was killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

#[path = "../postprocess/app.rs"]
mod app;
#[path = "../postprocess/thumbnail.rs"]
mod thumbnail;
#[path = "../postprocess/worker.rs"]
mod worker;

use std::io::{BufRead as _, BufReader, Cursor};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use futures_util::StreamExt as _;
use image::{DynamicImage, ImageError, ImageFormat, error::LimitErrorKind};
use support::client::{Client, id_of};
use support::{TempDir, media};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use worker::{Done, Trouble};

const KEY: &str = "the-key-of-the-images";

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    DynamicImage::new_rgba8(width, height).write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

fn size(png: &[u8]) -> (u32, u32) {
    let image = image::load_from_memory_with_format(png, ImageFormat::Png).unwrap();
    (image.width(), image.height())
}

/// Serves the application, with or without its worker.
fn serve(runtime: &Runtime, data: &Path, works: bool) -> (Client, UnboundedReceiver<Done>, Option<app::App>) {
    let mut app = app::App::new(data, KEY).unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let routes = std::mem::take(&mut app.routes);
    runtime.spawn(async move { axum::serve(listener, routes).await });
    let engine = app.uploads.engine().clone();
    runtime.spawn(app::deliver(engine.clone()));
    let (done, news) = unbounded_channel();
    let client = Client::new(&address, KEY);
    if !works {
        return (client, news, Some(app));
    }
    runtime.spawn(worker::run(engine, app.reader, app.notices, data.join("thumbnails"), done));
    (client, news, None)
}

#[test]
fn an_image_that_is_complete_has_its_thumbnail_made() {
    let dir = TempDir::new();
    let runtime = Runtime::new().unwrap();
    let (client, mut news, _) = serve(&runtime, dir.path(), true);
    // More than one read long.
    let mut noise = image::RgbImage::new(1000, 500);
    noise.copy_from_slice(&support::Chance::new(1).bytes(1_500_000));
    let mut large = Cursor::new(Vec::new());
    noise.write_to(&mut large, ImageFormat::Png).unwrap();
    for (name, bytes, expected) in [
        ("wide.png", png(1000, 400), (256, 102)),
        ("tall.png", png(3, 2560), (1, 256)),
        ("small.png", png(40, 30), (40, 30)),
        ("large.png", large.into_inner(), (256, 128)),
    ] {
        let id = id_of(&client.upload("images", name, &[&bytes]));
        let done = runtime.block_on(news.recv()).unwrap();
        assert_eq!(done.id.as_str(), id);
        let path = done.made.unwrap();
        assert_eq!(path, dir.path().join("thumbnails").join(format!("{id}.png")));
        assert_eq!(size(&std::fs::read(path).unwrap()), expected, "{name}");
    }
    // What cannot be decoded is not asked for again.
    let damaged = [&png(40, 30)[..33], b"and then something else"].concat();
    client.upload("images", "damaged.png", &[&damaged]);
    let done = runtime.block_on(news.recv()).unwrap();
    assert!(matches!(done.made, Err(Trouble::Never(_))), "{done:?}");
}

#[test]
fn a_notice_whose_worker_ended_with_its_process_is_worked_on_by_the_next() {
    let dir = TempDir::new();
    let runtime = Runtime::new().unwrap();
    let (client, _, app) = serve(&runtime, dir.path(), false);
    client.upload("images", "a.png", &[&png(600, 300)]);
    let mut app = app.unwrap();
    let notice = runtime.block_on(app.notices.next()).unwrap();
    let id = notice.outcome().id.clone();
    // The end comes while it is worked on.
    drop((notice, app, client));
    drop(runtime);

    let runtime = Runtime::new().unwrap();
    let (_, mut news, _) = serve(&runtime, dir.path(), true);
    let done = runtime.block_on(news.recv()).unwrap();
    assert_eq!(done.id, id);
    assert_eq!(size(&std::fs::read(done.made.unwrap()).unwrap()), (256, 128));
}

/// The program, until it is killed.
struct Program {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(data: &Path) -> (Self, Client) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postprocess"));
        command.args(["--listen", "127.0.0.1:0", "--key", KEY, "--data", data.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self { child, out };
        let first = program.line();
        let address = first.trim_end().strip_prefix("listening on http://").unwrap();
        (program, Client::new(address, KEY))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "it has ended");
        line
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn killed_between_an_upload_and_its_thumbnail_the_program_makes_it_after_its_next_start() {
    let dir = TempDir::new();
    // A file where the folder should be: no thumbnail can be written.
    let folder = dir.file("thumbnails", "");
    let (mut program, client) = Program::start(dir.path());
    let upload = |client: &Client, name: &str| {
        let done = client.upload("images", name, &[&png(512, 256)]);
        id_of(&done)
    };
    let mut ids = vec![upload(&client, "a.png")];
    let line = program.line();
    assert!(line.starts_with(&format!("no thumbnail: {} it has none yet", ids[0])), "{line}");
    // And these as soon as they are answered.
    ids.extend(["b.png", "c.png"].map(|name| upload(&client, name)));
    drop(program);

    std::fs::remove_file(&folder).unwrap();
    let (mut program, _) = Program::start(dir.path());
    let mut made: Vec<_> = ids.iter().map(|_| program.line()).collect();
    made.sort();
    let mut expected: Vec<_> = ids
        .iter()
        .map(|id| format!("thumbnail: {id} {}\n", folder.join(format!("{id}.png")).display()))
        .collect();
    expected.sort();
    assert_eq!(made, expected);
    for id in ids {
        assert_eq!(size(&std::fs::read(folder.join(format!("{id}.png"))).unwrap()), (256, 128));
    }
}

#[test]
fn every_kind_is_made_small_and_upright_and_claims_are_not_believed() {
    for name in
        ["rgb.jpg", "progressive.jpg", "cmyk.jpg", "gray.jpg", "gray16.png", "palette.png", "rgba.png"]
            .into_iter()
            .chain(["still.gif", "anim.gif", "lossy.webp"])
    {
        let original = image::load_from_memory(&media(name)).unwrap();
        let (width, height) = (original.width(), original.height());
        let (w, h) = size(&thumbnail::thumbnail(&media(name)).unwrap());
        assert!(w <= thumbnail::SIDE.min(width) && h <= thumbnail::SIDE.min(height), "{name}");
        assert_eq!((w, h) == (width, height), width.max(height) <= thumbnail::SIDE, "{name}");
    }
    // It lies on its side.
    let turned = media("exif_rot6_gps.jpg");
    let original = image::load_from_memory(&turned).unwrap();
    let (w, h) = size(&thumbnail::thumbnail(&turned).unwrap());
    assert_eq!(original.width() > original.height(), h > w, "{w}x{h}");
    assert_ne!(original.width(), original.height());

    for (side, height) in [(20_000_u32, 10_u32), (16_384, 16_384)] {
        let mut claims = png(1, 1);
        claims[16..20].copy_from_slice(&side.to_be_bytes());
        claims[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc32(&claims[12..29]).to_be_bytes();
        claims[29..33].copy_from_slice(&crc);
        let refusal = thumbnail::thumbnail(&claims).unwrap_err();
        let ImageError::Limits(limit) = refusal else { panic!("{refusal}") };
        assert!(matches!(limit.kind(), LimitErrorKind::DimensionError | LimitErrorKind::InsufficientMemory));
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}
