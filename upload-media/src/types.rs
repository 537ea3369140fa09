//! The media types this crate names.

/// JPEG image.
pub const JPEG: &str = "image/jpeg";
/// PNG image.
pub const PNG: &str = "image/png";
/// GIF image.
pub const GIF: &str = "image/gif";
/// WebP image.
pub const WEBP: &str = "image/webp";
/// MP4 video.
pub const MP4: &str = "video/mp4";
/// QuickTime video.
pub const QUICKTIME: &str = "video/quicktime";
/// MP4 with sound only.
pub const M4A: &str = "audio/mp4";
/// MPEG layer III audio.
pub const MP3: &str = "audio/mpeg";
/// WAV audio.
pub const WAV: &str = "audio/wav";
/// PDF document.
pub const PDF: &str = "application/pdf";
/// Word processing package (Office Open XML).
pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// Text that runs nothing.
pub const TEXT: &str = "text/plain";
/// glTF model in its binary container.
pub const GLB: &str = "model/gltf-binary";
/// Wavefront OBJ model.
pub const OBJ: &str = "model/obj";

/// HTML, or text that a browser would run as such.
pub const HTML: &str = "text/html";
/// SVG image: a document that may hold scripts.
pub const SVG: &str = "image/svg+xml";
/// Any other XML.
pub const XML: &str = "application/xml";
/// PHP source.
pub const PHP: &str = "text/x-php";
/// Server page (ASP, JSP).
pub const SERVER_PAGE: &str = "text/x-server-page";
/// Script with a `#!` line.
pub const SCRIPT: &str = "text/x-shellscript";
/// DOS or Windows batch file.
pub const BATCH: &str = "application/x-bat";
/// ELF executable or library.
pub const ELF: &str = "application/x-elf";
/// DOS or Windows executable or library.
pub const PORTABLE_EXECUTABLE: &str = "application/vnd.microsoft.portable-executable";
/// Mach-O executable or library.
pub const MACH_O: &str = "application/x-mach-binary";
/// Java class.
pub const JAVA_CLASS: &str = "application/java-vm";
/// WebAssembly module.
pub const WASM: &str = "application/wasm";
/// Flash movie.
pub const FLASH: &str = "application/vnd.adobe.flash.movie";
/// Windows shortcut.
pub const SHORTCUT: &str = "application/x-ms-shortcut";
/// Compound file: old Office documents, Windows installers.
pub const OLE: &str = "application/x-ole-storage";
/// PostScript program.
pub const POSTSCRIPT: &str = "application/postscript";
/// Rich text.
pub const RTF: &str = "application/rtf";
/// Zip archive, or a package format on it that is not recognised.
pub const ZIP: &str = "application/zip";
/// gzip stream.
pub const GZIP: &str = "application/gzip";
/// 7z archive.
pub const SEVEN_ZIP: &str = "application/x-7z-compressed";
/// RAR archive.
pub const RAR: &str = "application/vnd.rar";
/// tar archive.
pub const TAR: &str = "application/x-tar";
/// bzip2 stream.
pub const BZIP2: &str = "application/x-bzip2";
/// xz stream.
pub const XZ: &str = "application/x-xz";
/// Zstandard stream.
pub const ZSTD: &str = "application/zstd";
/// LZ4 stream.
pub const LZ4: &str = "application/x-lz4";
/// Windows cabinet.
pub const CABINET: &str = "application/vnd.ms-cab-compressed";
/// Unix `ar` archive: static libraries, Debian packages.
pub const AR: &str = "application/x-archive";
/// TIFF image.
pub const TIFF: &str = "image/tiff";
/// HEIF image.
pub const HEIF: &str = "image/heif";
/// AVIF image.
pub const AVIF: &str = "image/avif";
/// Ogg container.
pub const OGG: &str = "application/ogg";
/// FLAC audio.
pub const FLAC: &str = "audio/flac";
/// Matroska container, also WebM.
pub const MATROSKA: &str = "video/x-matroska";
/// 3GPP video.
pub const THREE_GPP: &str = "video/3gpp";
