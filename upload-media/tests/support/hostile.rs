//! Hostile files and what becomes of them.
#![allow(dead_code)]

use serde_json::{Value, json};
use upload_media::types;

use super::make::{docx, docx_of, glb, mp4_box, patched, pdf, pdf_with, stream, zip, zlib};
use super::support::read;

/// What becomes of a file: its details without warnings, or a part of the reason.
pub enum Becomes {
    Measured(Value),
    Refused(&'static str),
}
use Becomes::{Measured, Refused};

fn stored(name: &str) -> Vec<u8> {
    read("hostile", name).to_vec()
}

fn good(name: &str) -> Vec<u8> {
    read("ok", name).to_vec()
}

/// Made here or stored: each with its name, its type as far as the first bytes tell, and its bytes.
#[allow(clippy::too_many_lines)]
pub fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>, Becomes)> {
    let (mp4, wav, report) = (good("faststart.mp4"), good("stereo.wav"), good("report.docx"));
    let film = json!({"duration": 2.0, "resolution": "160x120", "frame_rate": 25.0, "sample_rate": 44100, "channels": 2});
    let without_rate = json!({"duration": 2.0, "resolution": "160x120", "sample_rate": 44100, "channels": 2});
    let tone = json!({"duration": 1.5, "sample_rate": 8000, "channels": 2});
    let grey = json!({"dimensions": "100x60", "color_mode": "L"});
    let eocd = report.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let mut eocd_lies = report.clone();
    eocd_lies[eocd + 8..eocd + 20].copy_from_slice(b"\xfe\xff\xfe\xff\0\xff\xff\xff\0\xff\xff\xff");
    let frame = b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0";
    let screen =
        [b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0".as_slice(), &frame.repeat(2000), b";"].concat();
    let nested = (0..5000).fold(Vec::new(), |inner, _| mp4_box(b"moov", &inner));
    let ftyp = mp4_box(b"ftyp", b"isom\0\0\x02\0isommp41");
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        [&(content.len() as u32).to_be_bytes(), kind.as_slice(), content, b"crc."].concat()
    };
    let png = |side: u32, chunks: &[u8]| {
        let side = side.to_be_bytes();
        let header = [&side, &side, b"\x08\x06\0\0\0".as_slice()].concat();
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", &header).as_slice(), chunks].concat()
    };
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let one_page = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>"]
        .map(|o| o.as_bytes().to_vec());
    let page = |contents: Vec<u8>| {
        let [catalog, pages] = one_page.clone();
        pdf(&[catalog, pages, b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec(), contents])
    };
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let many = (0..20_000).map(|n| format!("word/f{n}")).collect::<Vec<_>>();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    vec![
        // Images.
        (
            "dims_65500",
            types::JPEG,
            stored("dims_65500.jpg"),
            Measured(json!({"dimensions": "65500x65500", "color_mode": "L"})),
        ),
        ("jpeg_zip_polyglot", types::JPEG, stored("jpeg_zip_polyglot.jpg"), Measured(grey.clone())),
        ("php_in_comment", types::JPEG, stored("php_in_jpeg_comment.jpg"), Measured(grey)),
        ("trunc_24b", types::JPEG, stored("trunc_24b_rgb.jpg"), Refused("ends inside")),
        (
            "frame, no scan",
            types::JPEG,
            good("gray.jpg")[..200].to_vec(),
            Refused("ends inside its segments"),
        ),
        (
            "no frame",
            types::JPEG,
            b"\xff\xd8\xff\xfe\0\x02\xff\xda\0\x02".to_vec(),
            Refused("no frame header"),
        ),
        (
            "tiny segments",
            types::JPEG,
            [b"\xff\xd8".as_slice(), &b"\xff\xfe\0\x02".repeat(2_000_000)].concat(),
            Refused("steps"),
        ),
        ("huge_dims", types::PNG, stored("huge_dims.png"), Refused("no data")),
        (
            "30000x30000",
            types::PNG,
            png(30_000, &chunk(b"IDAT", &zlib(&[0; 1_000_000]))),
            Measured(json!({"dimensions": "30000x30000", "color_mode": "RGBA"})),
        ),
        (
            "text bomb",
            types::PNG,
            png(1, &[chunk(b"zTXt", &zlib(&vec![0; 50_000_000])), chunk(b"IDAT", b"")].concat()),
            Measured(json!({"dimensions": "1x1", "color_mode": "RGBA"})),
        ),
        ("tiny chunks", types::PNG, png(1, &chunk(b"tEXt", b"").repeat(2_000_000)), Refused("steps")),
        ("chunk of 4 GiB", types::PNG, png(1, b"\xff\xff\xff\xf0tEXt"), Refused("more than the file has")),
        (
            "huge_screen",
            types::GIF,
            screen,
            Measured(json!({"dimensions": "65535x65535", "color_mode": "P", "duration": 0.0})),
        ),
        ("no frame", types::GIF, b"GIF89a\x01\0\x01\0\0\0\0!\xfe\x01a\0;".to_vec(), Refused("no frame")),
        (
            "endless comment",
            types::GIF,
            [b"GIF89a\x01\0\x01\0\0\0\0!\xfe".as_slice(), &[255; 4_000_000]].concat(),
            Refused("cannot be read"),
        ),
        (
            "no image",
            types::WEBP,
            b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
            Refused("no image data"),
        ),
        // Films.
        ("box_4g", types::MP4, stored("box_4g.mp4"), Refused("moov")),
        ("box_large64", types::MP4, stored("box_large64.mp4"), Refused("moov")),
        ("child_size0", types::MP4, stored("child_size0.mp4"), Refused("no tracks")),
        ("nested_moov", types::MP4, [ftyp.clone(), nested].concat(), Refused("no tracks")),
        (
            "no film",
            types::MP4,
            [ftyp.clone(), mp4_box(b"mdat", &[0; 100])].concat(),
            Refused("no film header"),
        ),
        (
            "fragment first",
            types::MP4,
            [ftyp.clone(), mp4_box(b"moof", &[0; 8])].concat(),
            Refused("before the film's header"),
        ),
        (
            "tiny boxes",
            types::MP4,
            [ftyp, mp4_box(b"free", &[]).repeat(2_000_000)].concat(),
            Refused("steps"),
        ),
        ("stsz_4g", types::MP4, patched(&mp4, b"stsz", 4, b"\0\0\0\0\xff\xff\xff\xff"), Measured(film)),
        (
            "stts_4g",
            types::MP4,
            patched(&mp4, b"stts", 4, b"\xff\xff\xff\xff"),
            Refused("stts claims 4294967295 entries"),
        ),
        ("timescale0", types::MP4, patched(&mp4, b"mdhd", 12, b"\0\0\0\0"), Measured(without_rate)),
        // Sounds.
        ("data_4g", types::WAV, patched(&wav, b"data", 0, b"\xff\xff\xff\xff"), Measured(tone.clone())),
        ("data of nothing", types::WAV, patched(&wav, b"data", 0, b"\0\0\0\0"), Measured(tone)),
        ("rate0", types::WAV, patched(&wav, b"fmt ", 8, &[0; 10]), Refused("no sound")),
        ("channels_65535", types::WAV, patched(&wav, b"fmt ", 6, b"\xff\xff"), Refused("do not make blocks")),
        ("fmt_huge", types::WAV, stored("fmt_huge.wav"), Refused("more than the file has")),
        ("id3_256mb", types::MP3, stored("id3_256mb.mp3"), Refused("ID3 tag claims")),
        ("no sound", types::MP3, vec![7; 100_000], Refused("no frame of sound")),
        (
            "claims weeks",
            types::MP3,
            patched(&good("cbr_xing.mp3"), b"Info", 4, b"\x7f\xff\xff\xff"),
            Measured(json!({"sample_rate": 44100, "channels": 2})),
        ),
        // Documents.
        ("slip_macro", types::DOCX, stored("slip_macro.docx"), Measured(json!({"word_count": 79}))),
        ("eocd_lies", types::DOCX, eocd_lies, Refused("package cannot be read")),
        ("many_entries", types::DOCX, zip(&many), Refused("parts")),
        (
            "no main part",
            types::DOCX,
            zip(&[("[Content_Types].xml", b"<a/>")]),
            Refused("word/document.xml cannot be read"),
        ),
        (
            "one word of 20 MB",
            types::DOCX,
            docx_of(&paragraph(&"A".repeat(20_000_000))),
            Refused("a piece of it is longer"),
        ),
        ("76 MB of words", types::DOCX, docx_of(&paragraph("word").repeat(2_000_000)), Measured(json!({}))),
        (
            "billion laughs",
            types::DOCX,
            docx("<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>"),
            Refused("document type"),
        ),
        (
            "deep",
            types::DOCX,
            docx_of(&("<w:p>".repeat(300_000) + &"</w:p>".repeat(300_000))),
            Refused("256 elements deep"),
        ),
        (
            "count_lies",
            types::PDF,
            stored("count_lies.pdf"),
            Measured(json!({"page_count": 1, "word_count": 0})),
        ),
        (
            "page_loop",
            types::PDF,
            stored("page_loop.pdf"),
            Measured(json!({"page_count": 0, "word_count": 0})),
        ),
        ("flate_bomb", types::PDF, stored("flate_bomb.pdf"), Measured(json!({"page_count": 1}))),
        (
            "script_launch",
            types::PDF,
            stored("script_launch.pdf"),
            Measured(json!({"page_count": 1, "word_count": 0})),
        ),
        (
            "deep_array",
            types::PDF,
            pdf(&[format!("<</Pages 2 0 R/X {deep}>>"), "<</Kids[]>>".to_owned()]),
            Refused("no page tree"),
        ),
        (
            "wide array",
            types::PDF,
            pdf(&[format!("<</Pages 2 0 R/X [{}]>>", "0 ".repeat(4_000_000)), "<</Kids[]>>".to_owned()]),
            Refused("no page tree"),
        ),
        (
            "content bomb",
            types::PDF,
            page(stream("/Filter/FlateDecode", &zlib(&vec![b' '; 50_000_000]))),
            Measured(json!({"page_count": 1})),
        ),
        (
            "object stream",
            types::PDF,
            in_object_stream(&zlib(b"9 0 <</Type/Page>>")),
            Measured(json!({"page_count": 1, "word_count": 0})),
        ),
        (
            "object stream bomb",
            types::PDF,
            in_object_stream(&zlib(&[b"9 0 ".as_slice(), &vec![b' '; 50_000_000]].concat())),
            Measured(json!({"page_count": 0, "word_count": 0})),
        ),
        ("one object, many names", types::PDF, one_object_many_names(), Refused("bytes to read")),
        ("only a header", types::PDF, b"%PDF-1.7\n".to_vec(), Refused("no page tree")),
        (
            "no end",
            types::TEXT,
            "word ".repeat(100_000).into_bytes(),
            Measured(json!({"word_count": 100_000})),
        ),
        ("one page of many streams", types::PDF, many_streams(), Measured(json!({"page_count": 1}))),
        (
            "operands and no operator",
            types::PDF,
            page(stream("/Filter/FlateDecode", &zlib(&b"[0 0 0]".repeat(1_000_000)))),
            Measured(json!({"page_count": 1, "word_count": 0})),
        ),
        (
            "a map of no operators",
            types::PDF,
            mapped(&b"<>".repeat(4_000_000)),
            Measured(json!({"page_count": 1, "word_count": 1})),
        ),
        (
            "a map of everything",
            types::PDF,
            mapped(&everything()),
            Measured(json!({"page_count": 1, "word_count": 1})),
        ),
        ("deep and wide", types::PDF, deep_and_wide(), Refused("page tree")),
        ("late control", types::TEXT, [vec![b'a'; 100_000], vec![0]].concat(), Refused("control")),
        // Models.
        ("accessor_4g", types::GLB, stored("accessor_4g.glb"), Measured(json!({"material_count": 0}))),
        (
            "node_cycle",
            types::GLB,
            stored("node_cycle.glb"),
            Measured(json!({"material_count": 0, "vertex_count": 0})),
        ),
        (
            "uri_file",
            types::GLB,
            stored("uri_file.glb"),
            Measured(json!({"material_count": 0, "vertex_count": 0})),
        ),
        (
            "deep_json",
            types::GLB,
            glb(&format!("{{\"extras\":{deep}}}"), b""),
            Measured(json!({"material_count": 0, "vertex_count": 0})),
        ),
        (
            "many nodes",
            types::GLB,
            glb(&format!("{{\"nodes\":[{}{{}}]}}", "{},".repeat(60_000)), b""),
            Refused("50000 entries"),
        ),
        (
            "many primitives",
            types::GLB,
            glb(&many_primitives(), b""),
            Measured(json!({"material_count": 0, "vertex_count": 0})),
        ),
        ("wrong JSON", types::GLB, glb("{\"nodes\":3}", b""), Refused("cannot be read")),
        ("too short", types::GLB, positions(100, 1199), Refused("do not fit")),
        (
            "bad_index",
            types::OBJ,
            stored("bad_index.obj"),
            Refused("line 3, a face, has a corner that is no vertex"),
        ),
        (
            "one_line",
            types::OBJ,
            ("v ".to_owned() + &"1 ".repeat(2_000_000) + "\n").into_bytes(),
            Refused("line 1, a vertex, is longer"),
        ),
        ("late binary", types::OBJ, b"v 0 0 0\n\x01\n".to_vec(), Refused("line 2 is no text")),
        (
            "many materials",
            types::OBJ,
            many_materials().into_bytes(),
            Measured(json!({"vertex_count": 1, "dimensions": [0.0, 0.0, 0.0]})),
        ),
    ]
}

/// 64 MiB in eight streams.
fn many_streams() -> Vec<u8> {
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
        format!("<</Type/Page/Parent 2 0 R/Contents[{}]>>", "4 0 R ".repeat(9)).into_bytes(),
        stream("/Filter/FlateDecode", &zlib(&vec![b' '; 8 << 20])),
    ])
}

/// A page with a word in a font of this map.
fn mapped(map: &[u8]) -> Vec<u8> {
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_vec(),
        stream("", b"BT /F 9 Tf (word) Tj ET"),
        b"<</Type/Font/Subtype/Type1/ToUnicode 6 0 R>>".to_vec(),
        stream("/Filter/FlateDecode", &zlib(map)),
    ])
}

/// Every code of four bytes, as far as a map may be long.
fn everything() -> Vec<u8> {
    let ranges = (0..200_000_u32).map(|n| format!("<{n:06x}00><{n:06x}ff><0041>endbfrange "));
    ranges.collect::<String>().into_bytes()
}

/// A page tree of 70 nodes with the same 190,000 children.
fn deep_and_wide() -> Vec<u8> {
    let children: String =
        (4..190_000).map(|n| format!("{} 0 R ", if n < 74 { n } else { 9_999_999 - n })).collect();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids 99 0 R>>".to_vec(),
        stream("/Type/ObjStm/N 1/First 5/Filter/FlateDecode", &zlib(format!("99 0 [{children}]").as_bytes())),
    ];
    objects.extend(vec![b"<</Type/Pages/Kids 99 0 R>>".to_vec(); 70]);
    pdf_with(&objects, &[(99, 3)])
}

/// A page in an object stream.
fn in_object_stream(packed: &[u8]) -> Vec<u8> {
    let objects = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[9 0 R]>>".to_vec(),
        stream("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", packed),
    ];
    pdf_with(&objects, &[(9, 3)])
}

/// 1 MiB of zeros in an array, as 400 objects.
fn one_object_many_names() -> Vec<u8> {
    let mut file = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_vec();
    let pages = file.len();
    let kids: String = (3..400).map(|n| format!("{n} 0 R ")).collect();
    file.extend(format!("2 0 obj\n<</Type/Pages/Kids[{kids}]>>\nendobj\n").into_bytes());
    let zeros = file.len();
    file.extend(b"3 0 obj\n[");
    file.extend(b"0 ".repeat(1 << 19));
    file.extend(b"]\nendobj\n");
    let table = file.len();
    file.extend(
        format!("xref\n0 400\n0000000000 65535 f \n0000000009 00000 n \n{pages:010} 00000 n \n").into_bytes(),
    );
    file.extend(format!("{zeros:010} 00000 n \n").repeat(397).into_bytes());
    file.extend(format!("trailer\n<</Size 400/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").into_bytes());
    file
}

fn many_primitives() -> String {
    let primitives = vec!["{}"; 40_000].join(",");
    let meshes = vec![format!("{{\"primitives\":[{primitives}]}}"); 60].join(",");
    format!("{{\"meshes\":[{meshes}],\"scenes\":[{{}}]}}")
}

/// A model that claims so many positions in so many bytes.
fn positions(count: u32, bytes: usize) -> Vec<u8> {
    let json = json!({
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": count}],
        "bufferViews": [{"buffer": 0, "byteLength": bytes}],
        "buffers": [{"byteLength": bytes}],
    });
    glb(&json.to_string(), &vec![0; bytes])
}

fn many_materials() -> String {
    let names: String = (0..150_000).map(|n| format!("usemtl m{n}\n")).collect();
    format!("v 0 0 0\n{names}")
}
