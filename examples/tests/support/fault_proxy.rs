//! A proxy before a server that does harm to connections as it is told: it passes bytes on and knows nothing of what they mean.
//!
//! ```text
//!   client ── Up ──> FaultProxy ── Up ──> server          next(fault): what becomes of the next connection
//!          <─ Down ──          <─ Down ──                 wait(n, …):  until a connection has come so far
//! ```
//!
//! Nothing here depends on time: what a test waits for is told by the bytes that were passed on.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::listen::Listening;
use super::sockets::undelivered;

/// Bytes read at once.
const PIECE: usize = 64 << 10;
/// A guard: what never comes is a failure, not a test that never ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whose bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those of the client.
    Up,
    /// Those of the server.
    Down,
}

/// What happens to a connection once exactly so many bytes of a side were passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both ends see it closed.
    Cut(Side, u64),
    /// Both ends see it reset: what they have not read may be lost.
    Reset(Side, u64),
    /// The other side sees the end of this side's bytes, and those that still come are dropped; the other direction goes on.
    HalfClose(Side, u64),
    /// Nothing more of this side passes, not even its end, until [`FaultProxy::release`].
    Stall(Side, u64),
    /// From the first byte on, both sides' bytes come in writes of so many.
    Trickle(usize),
    /// The client's bytes go to the server a second time as well, on a connection of their own whose answers nobody hears.
    Duplicate,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes of the client that were passed on, and of the server.
    pub up: u64,
    pub down: u64,
    /// Writes that both took.
    pub writes: u64,
    /// Bytes of the client that were sent a second time.
    pub again: u64,
    /// At the moment of a cut or a reset, at most so many of `up` still lay in the kernel, where the server had not read them.
    pub undelivered: u64,
    pub stalled: bool,
    pub ended: bool,
}

/// A running proxy; it ends when dropped, and with it all its connections.
pub struct FaultProxy {
    /// Where it listens: `HOST:PORT`.
    pub address: String,
    shared: Arc<Shared>,
    _listening: Listening,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    released: watch::Sender<bool>,
}

struct State {
    server: String,
    next: VecDeque<Option<Fault>>,
    connections: Vec<Passed>,
}

impl FaultProxy {
    /// Stands before the server at this `HOST:PORT`.
    pub fn start(server: &str) -> Self {
        let state = State { server: server.to_owned(), next: VecDeque::new(), connections: Vec::new() };
        let released = watch::Sender::new(false);
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), released });
        let accepting = Arc::clone(&shared);
        let listening = Listening::start(move |client| {
            let shared = Arc::clone(&accepting);
            let (n, fault, server) = shared.begin();
            async move { shared.serve(n, fault, client, &server).await }
        });
        Self { address: listening.address.clone(), shared, _listening: listening }
    }

    /// What becomes of the next connection for which nothing is planned; without a plan, connections are passed on as they are.
    pub fn next(&self, fault: impl Into<Option<Fault>>) {
        self.shared.state().next.push_back(fault.into());
    }

    /// New connections go to this `HOST:PORT` from now on: a server that was started again.
    pub fn redirect(&self, server: &str) {
        server.clone_into(&mut self.shared.state().server);
    }

    /// What is stalled goes on, and nothing stalls any more.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// The connections in the order in which they came.
    pub fn connections(&self) -> Vec<Passed> {
        self.shared.state().connections.clone()
    }

    /// Waits until the `n`th connection, from 0 on, has come and is so; what it is then.
    pub fn wait(&self, n: usize, until: impl Fn(&Passed) -> bool) -> Passed {
        let state = self.shared.state();
        let waits = |state: &mut State| !state.connections.get(n).is_some_and(&until);
        let (state, waited) = self.shared.changed.wait_timeout_while(state, PATIENCE, waits).unwrap();
        assert!(!waited.timed_out(), "connection {n} is never so: {:#?}", state.connections);
        state.connections[n]
    }
}

/// Why a connection ends before both sides have ended theirs.
enum End {
    Cut,
    Reset,
    Broken(io::Error),
}

impl From<io::Error> for End {
    fn from(e: io::Error) -> Self {
        Self::Broken(e)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn begin(&self) -> (usize, Option<Fault>, String) {
        let mut state = self.state();
        let fault = state.next.pop_front().flatten();
        state.connections.push(Passed::default());
        (state.connections.len() - 1, fault, state.server.clone())
    }

    fn change(&self, n: usize, change: impl FnOnce(&mut Passed)) {
        change(&mut self.state().connections[n]);
        self.changed.notify_all();
    }

    async fn serve(&self, n: usize, fault: Option<Fault>, client: TcpStream, server: &str) -> io::Result<()> {
        let result = self.pass_on(n, fault, client, server).await;
        self.change(n, |passed| passed.ended = true);
        result
    }

    async fn pass_on(
        &self,
        n: usize,
        fault: Option<Fault>,
        mut client: TcpStream,
        address: &str,
    ) -> io::Result<()> {
        let mut server = connect(address).await?;
        client.set_nodelay(true)?;
        let (near, far) = (server.local_addr()?, server.peer_addr()?);
        let mut second = match fault {
            Some(Fault::Duplicate) => Some(connect(address).await?),
            _ => None,
        };
        let (mut ignored, again) = match &mut second {
            Some(second) => {
                let (read, write) = second.split();
                (Some(read), Some(write))
            }
            None => (None, None),
        };
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let way = |side, from, to, again| Way { shared: self, n, side, fault, from, to, again };
        let up = way(Side::Up, from_client, to_server, again).run();
        let down = way(Side::Down, from_server, to_client, None).run();
        let unheard = async {
            if let Some(ignored) = &mut ignored {
                let _ = tokio::io::copy(ignored, &mut tokio::io::sink()).await;
            }
            Ok(())
        };
        let ended = tokio::try_join!(up, down, unheard);
        match ended {
            Ok(_) => Ok(()),
            Err(end) => {
                self.note_undelivered(n, near, far);
                if let End::Cut = end {
                    return Ok(());
                }
                // As it came: a side that is gone is not one that has ended well.
                client.set_zero_linger()?;
                server.set_zero_linger()?;
                if let End::Broken(e) = end { Err(e) } else { Ok(()) }
            }
        }
    }

    fn note_undelivered(&self, n: usize, near: SocketAddr, far: SocketAddr) {
        let count = undelivered(near, far);
        self.change(n, |passed| passed.undelivered = count);
    }
}

async fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One direction of a connection.
struct Way<'a> {
    shared: &'a Shared,
    n: usize,
    side: Side,
    fault: Option<Fault>,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    /// The second connection of what is duplicated.
    again: Option<WriteHalf<'a>>,
}

impl Way<'_> {
    /// Passes on until this side ends or the connection does.
    async fn run(mut self) -> Result<(), End> {
        let mut piece = vec![0; PIECE];
        let mut left = self.before_harm();
        loop {
            if left == Some(0) {
                left = None;
                if !self.harm().await? {
                    break;
                }
            }
            let most = left.map_or(PIECE, |left| usize::try_from(left).unwrap_or(PIECE).min(PIECE));
            let count = self.from.read(&mut piece[..most]).await?;
            if count == 0 {
                self.finish().await?;
                return Ok(());
            }
            left = left.map(|left| left - count as u64);
            self.write(&piece[..count]).await?;
        }
        // Half closed: what still comes is dropped.
        while self.from.read(&mut piece).await? > 0 {}
        Ok(())
    }

    /// How many bytes of this side pass before something happens to it.
    fn before_harm(&self) -> Option<u64> {
        match self.fault {
            Some(
                Fault::Cut(side, n)
                | Fault::Reset(side, n)
                | Fault::HalfClose(side, n)
                | Fault::Stall(side, n),
            ) if side == self.side => Some(n),
            _ => None,
        }
    }

    /// Does what was told; whether bytes still pass.
    async fn harm(&mut self) -> Result<bool, End> {
        match self.fault {
            Some(Fault::Cut(..)) => Err(End::Cut),
            Some(Fault::Reset(..)) => Err(End::Reset),
            Some(Fault::HalfClose(..)) => {
                self.finish().await?;
                Ok(false)
            }
            Some(Fault::Stall(..)) => {
                self.shared.change(self.n, |passed| passed.stalled = true);
                let mut released = self.shared.released.subscribe();
                // The sender outlives every connection.
                let _ = released.wait_for(|released| *released).await;
                self.shared.change(self.n, |passed| passed.stalled = false);
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// Passes the end of this side on.
    async fn finish(&mut self) -> io::Result<()> {
        if let Some(again) = &mut self.again {
            let _ = again.shutdown().await;
        }
        self.to.shutdown().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        let size = if let Some(Fault::Trickle(size)) = self.fault { size.max(1) } else { PIECE };
        for part in bytes.chunks(size) {
            self.to.write_all(part).await?;
            let count = part.len() as u64;
            self.shared.change(self.n, |passed| {
                passed.writes += 1;
                match self.side {
                    Side::Up => passed.up += count,
                    Side::Down => passed.down += count,
                }
            });
            if size < PIECE {
                tokio::task::yield_now().await;
            }
        }
        // The second one may be refused and closed; the first goes on.
        if let Some(again) = &mut self.again {
            match again.write_all(bytes).await {
                Ok(()) => self.shared.change(self.n, |passed| passed.again += bytes.len() as u64),
                Err(_) => self.again = None,
            }
        }
        Ok(())
    }
}
