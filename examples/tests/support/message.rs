//! Requests and answers of HTTP/1.1 as their bytes come, for what stands between two programs.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;

/// What follows a head that does not tell the length of its body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    None,
    /// Nothing, whatever it tells.
    Never,
    /// All that comes.
    All,
}

/// A request or an answer, as its bytes came.
pub struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
    /// It ended with its connection.
    last: bool,
}

impl Message {
    /// `None` when the other side has closed before it.
    pub async fn read(
        from: &mut BufReader<TcpStream>,
        rest: impl Fn(&Self) -> Rest,
    ) -> io::Result<Option<Self>> {
        let mut message = Self { head: Vec::new(), body: Vec::new(), last: false };
        while !message.head.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut message.head).await? == 0 {
                return if message.head.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
        let rest = rest(&message);
        if rest == Rest::Never {
            return Ok(Some(message));
        }
        let length = message.header("content-length").and_then(|length| length.parse::<usize>().ok());
        if message.header("transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked")) {
            message.read_chunks(from).await?;
        } else if let Some(length) = length {
            message.body.resize(length, 0);
            from.read_exact(&mut message.body).await?;
        } else if rest == Rest::All {
            from.read_to_end(&mut message.body).await?;
            message.last = true;
        }
        Ok(Some(message))
    }

    /// Keeps them as they are.
    async fn read_chunks(&mut self, from: &mut BufReader<TcpStream>) -> io::Result<()> {
        loop {
            let begin = self.body.len();
            from.read_until(b'\n', &mut self.body).await?;
            let line = String::from_utf8_lossy(&self.body[begin..]);
            let size = line.trim_end().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                // Trailers, and an empty line.
                loop {
                    let begin = self.body.len();
                    from.read_until(b'\n', &mut self.body).await?;
                    if self.body[begin..].len() <= 2 {
                        return Ok(());
                    }
                }
            }
            let begin = self.body.len();
            self.body.resize(begin + size + 2, 0);
            from.read_exact(&mut self.body[begin..]).await?;
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.head).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text().lines().filter_map(|line| line.split_once(':'));
        lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Method and target of a request.
    pub fn asked(&self) -> io::Result<(&str, &str)> {
        let mut words = self.text().split(' ');
        words.next().zip(words.next()).ok_or_else(|| io::Error::other("no request line"))
    }

    /// The status of an answer.
    pub fn status(&self) -> u16 {
        self.text().split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// Whether more may come on its connection.
    pub fn goes_on(&self) -> bool {
        !self.last && !self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }
}
