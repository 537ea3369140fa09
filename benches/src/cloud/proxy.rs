//! Between a server and its store: counts requests by kind, and makes each of them wait.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    runtime::Runtime,
};

use crate::kinds::Kind;

/// How often each kind of request was made.
pub(crate) type Counts = BTreeMap<Kind, u64>;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    counts: Arc<Mutex<Counts>>,
    // Its connections end with it.
    _runtime: Runtime,
}

/// The most that a connection reads at once: whole parts pass through here.
const BUFFER: usize = 256 << 10;

impl Proxy {
    /// Listens, and passes on what comes to the store, each request `delay` later than it came.
    pub(crate) fn start(store: SocketAddr, delay: Duration) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::<Mutex<Counts>>::default();
        let seen = Arc::clone(&counts);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    if let Err(e) = connection(client, store, delay, &seen).await {
                        // What ends a connection in the middle is the business of its ends; what cannot be counted is ours.
                        assert_ne!(e.kind(), io::ErrorKind::InvalidData, "{e}");
                    }
                });
            }
        });
        Self { address, counts, _runtime: runtime }
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts.lock().unwrap())
    }
}

async fn connection(
    client: TcpStream,
    store: SocketAddr,
    delay: Duration,
    seen: &Mutex<Counts>,
) -> io::Result<()> {
    let store = TcpStream::connect(store).await?;
    client.set_nodelay(true)?;
    store.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let (from_store, mut to_store) = store.into_split();
    tokio::spawn(async move {
        let _ = tokio::io::copy_buf(&mut BufReader::with_capacity(BUFFER, from_store), &mut to_client).await;
    });
    let mut from_client = BufReader::with_capacity(BUFFER, from_client);
    while request(&mut from_client, &mut to_store, delay, seen).await? {}
    Ok(())
}

/// One request; `false` if there is none any more.
async fn request(
    client: &mut BufReader<OwnedReadHalf>,
    store: &mut OwnedWriteHalf,
    delay: Duration,
    seen: &Mutex<Counts>,
) -> io::Result<bool> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).await? == 0 {
            return Ok(false);
        }
    }
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    *seen.lock().unwrap().entry(Kind::of(method, target)).or_default() += 1;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let header = |wanted: &str| {
        let mut all = head.lines().filter_map(|line| line.split_once(':'));
        all.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim()))
    };
    store.write_all(head.as_bytes()).await?;
    if header("transfer-encoding").is_some() {
        pieces(client, store).await?;
    } else if let Some(length) = header("content-length") {
        pass_on(client, store, number(length, 10)?).await?;
    }
    Ok(true)
}

/// A body whose pieces tell their lengths; behind an empty one come headers and an empty line.
async fn pieces(client: &mut BufReader<OwnedReadHalf>, store: &mut OwnedWriteHalf) -> io::Result<()> {
    let mut within = true;
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        store.write_all(line.as_bytes()).await?;
        let line = line.trim();
        if within {
            match number(line.split(';').next().unwrap_or_default(), 16)? {
                0 => within = false,
                length => pass_on(client, store, length + 2).await?,
            }
        } else if line.is_empty() {
            return Ok(());
        }
    }
}

async fn pass_on(
    client: &mut BufReader<OwnedReadHalf>,
    store: &mut OwnedWriteHalf,
    length: u64,
) -> io::Result<()> {
    tokio::io::copy_buf(&mut client.take(length), store).await?;
    Ok(())
}

fn number(text: &str, radix: u32) -> io::Result<u64> {
    u64::from_str_radix(text, radix)
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("{text:?} is no length: {e}")))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net,
    };

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn requests_pass_as_they_are_and_are_counted() {
        let store = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(store.local_addr().unwrap(), Duration::from_millis(1));
        // Bodies that look like heads, with a length and in pieces.
        let requests = "PUT /b/r/u-_1 HTTP/1.1\r\nContent-Length: 20\r\n\r\nGET /b/x HTTP/1.1\r\n\r\
             PUT /b/o/1?partNumber=1&uploadId=2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
             a;x=y\r\n0\r\n\r\nGET /\r\n3\r\n\r\n\r\r\n0\r\nx-sum: 1\r\n\r\n\
             GET /b/r/u-_1 HTTP/1.1\r\nx: y\r\n\r\n";
        let mut client = net::TcpStream::connect(proxy.address).unwrap();
        client.write_all(requests.as_bytes()).unwrap();
        client.shutdown(net::Shutdown::Write).unwrap();
        let (mut seen, mut arrived) = (store.accept().unwrap().0, Vec::new());
        seen.read_to_end(&mut arrived).unwrap();
        assert_eq!(String::from_utf8(arrived).unwrap(), requests);
        seen.write_all(ANSWER).unwrap();
        drop(seen);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, ANSWER);
        let kinds = [("GET", "/b/r/u-_1"), ("PUT", "/b/o/1?partNumber=1&uploadId=2"), ("PUT", "/b/r/u-_1")];
        assert_eq!(proxy.take(), kinds.map(|(method, target)| (Kind::of(method, target), 1)).into());
        assert_eq!(proxy.take(), Counts::new());
    }
}
