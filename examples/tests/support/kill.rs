//! A request during which the server may be killed.

use std::io;
use std::time::{Duration, Instant};

use super::http::{Answer, Connection};

/// Where the server is killed.
pub enum Point {
    /// When so many bytes of the request's body were sent.
    Sent(usize),
    /// When the whole request was sent, and so long after.
    Waiting(Duration),
    /// When the answer was read.
    Answered,
}

/// Sends a request whose body has `length` bytes, perhaps kills the server on the way; `None` if there is no answer. `send` sends
/// its head and so many bytes of its body.
pub fn attempt(
    connection: &mut Connection,
    method: &str,
    length: usize,
    point: Option<&Point>,
    send: impl Fn(&mut Connection, usize) -> io::Result<()>,
    mut kill: impl FnMut(),
) -> Option<Answer> {
    let mut sent = || -> io::Result<Answer> {
        match point {
            Some(Point::Sent(count)) => {
                send(connection, *count)?;
                kill();
            }
            Some(Point::Waiting(time)) => {
                send(connection, length)?;
                wait(*time);
                kill();
            }
            _ => send(connection, length)?,
        }
        connection.answer(method)
    };
    let answer = match (sent(), point) {
        (Ok(answer), _) => answer,
        (Err(_), Some(Point::Sent(_) | Point::Waiting(_))) => return None,
        (Err(e), _) => panic!("no answer from a living server: {e}"),
    };
    if matches!(point, Some(Point::Answered)) {
        kill();
    }
    Some(answer)
}

/// Lets this time pass, more exactly than a sleep would.
pub fn wait(time: Duration) {
    let since = Instant::now();
    while since.elapsed() < time {
        std::hint::spin_loop();
    }
}
