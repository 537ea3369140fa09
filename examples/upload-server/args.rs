//! The command line, and the same by environment variables.

use std::path::{Path, PathBuf};

use clap::Parser;
use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser as _};

use crate::config::{Config, ConfigError, Durable};
use crate::keys::Key;
use crate::stores::{RecordsAt, SigningBy};

/// An upload server: uploads that resume, are verified, and never lose an acknowledged byte.
///
/// Flags win over environment variables, and both over the configuration file, to whose keys they add theirs.
#[derive(Debug, Parser)]
#[command(name = "upload-server", version)]
pub(crate) struct Args {
    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "UPLOAD_LISTEN", value_name = "ADDR")]
    listen: Option<String>,

    /// Directory of the uploads, their records and generated secrets, made if it is not there [default: ./data]
    #[arg(long, env = "UPLOAD_DATA", value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where the bytes go: `file:DIR`, `memory:`, `s3://BUCKET`, `az://CONTAINER`, `gs://BUCKET` (and `/PREFIX`) [default: in the
    /// data directory]
    #[arg(long, env = "UPLOAD_STORE", value_name = "STORE")]
    store: Option<String>,

    /// Where records are kept: `store`, beside the bytes, for any number of processes, or `local`, in the data directory [default:
    /// `store` if that is no directory]
    #[arg(long, env = "UPLOAD_RECORDS", value_parser = PossibleValuesParser::new(["store", "local"]).map(records))]
    records: Option<RecordsAt>,

    /// Who signs the requests that the bytes of PlaceOS and Direct Upload come by: the `store`, so that they go there, or this
    /// `server`, so that they come here [default: `store` if that is a bucket and can]
    #[arg(long, env = "UPLOAD_SIGNING", value_parser = PossibleValuesParser::new(["store", "server"]).map(signing))]
    signing: Option<SigningBy>,

    /// What links begin with, where clients reach this server under another address than it listens on
    #[arg(long, env = "UPLOAD_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,

    /// Secrets that signed requests are sealed with: one a line, the first seals, all open [default: one that is kept in DIR]
    #[arg(long, env = "UPLOAD_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// Configuration: destinations, limits, time-outs, keys (TOML)
    #[arg(long, env = "UPLOAD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// A key, its tenant (default: `default`) and its roles of upload, read, support, admin (default: upload,read);
    /// may be repeated, or separated by spaces
    #[arg(
        long = "api-key",
        env = "UPLOAD_API_KEY",
        hide_env_values = true,
        value_delimiter = ' ',
        value_name = "KEY[:TENANT[:ROLE,…]]"
    )]
    api_keys: Vec<String>,

    /// Serve tus 1.0 without a key too, as tenant `default`; refused unless the address to listen on is this machine's own
    /// (127.0.0.1 or ::1). Every program on it, and every page in a browser on it, can upload then
    #[arg(long, env = "UPLOAD_OPEN_TUS", value_parser = FalseyValueParser::new())]
    open_tus: bool,

    /// What an acknowledgement makes sure of: `request` survives loss of power, `none` only the end of the process
    #[arg(
        long,
        env = "UPLOAD_DURABILITY",
        value_parser = PossibleValuesParser::new(["request", "none"]).map(durability)
    )]
    durability: Option<Durable>,

    /// What is logged, as `info` or `info,upload_engine=debug`; without it RUST_LOG counts [default: info]
    #[arg(long, env = "UPLOAD_LOG", value_name = "FILTER")]
    log: Option<String>,

    /// Print the whole configuration in effect as TOML, without keys, and exit
    #[arg(long)]
    pub(crate) print_config: bool,
}

fn durability(word: String) -> Durable {
    if word == "none" { Durable::None } else { Durable::Request }
}

fn records(word: String) -> RecordsAt {
    if word == "local" { RecordsAt::Local } else { RecordsAt::Store }
}

fn signing(word: String) -> SigningBy {
    if word == "server" { SigningBy::Server } else { SigningBy::Store }
}

impl Args {
    /// The configuration file, if there is one.
    fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The configuration in effect.
    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::load(self.file())?;
        let texts = |given: &Option<String>, to: &mut String| {
            if let Some(given) = given {
                to.clone_from(given);
            }
        };
        texts(&self.listen, &mut config.listen);
        texts(&self.store, &mut config.store);
        config.records = self.records.or(config.records);
        config.signing = self.signing.or(config.signing);
        if let Some(log) = self.log.clone().or_else(|| std::env::var("RUST_LOG").ok()) {
            config.log = log;
        }
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        if self.public_url.is_some() {
            config.public_url.clone_from(&self.public_url);
        }
        if self.secret_file.is_some() {
            config.secret_file.clone_from(&self.secret_file);
        }
        config.open_tus |= self.open_tus;
        if let Some(durability) = self.durability {
            config.durability = durability;
        }
        for key in self.api_keys.iter().filter(|key| !key.is_empty()) {
            config.keys.push(key.parse::<Key>().map_err(|e| ConfigError::Value("--api-key", e.to_string()))?);
        }
        config.check()?;
        Ok(config)
    }
}
