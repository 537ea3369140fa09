//! One request and its answer.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::future::{Either, select};
use http::{Request, StatusCode};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::Connection;

/// Most bytes of an answer's head.
const HEAD: usize = 16 << 10;
/// Most bytes of an answer's body that are waited for.
const BODY: usize = 64 << 10;
/// How long.
const BODY_TIME: Duration = Duration::from_secs(1);

/// Sends the request; the status it is answered with. The connection ends with the future, whenever that is dropped.
pub(super) async fn exchange(
    connection: Box<dyn Connection>,
    request: Request<String>,
) -> hyper::Result<StatusCode> {
    let (mut sender, driver) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(connection)).await?;
    let exchange = pin!(async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        // Whatever becomes of the body, the status stands.
        let _ = timeout(BODY_TIME, discard(answer.into_body())).await;
        Ok(status)
    });
    match select(exchange, pin!(driver)).await {
        Either::Left((status, _)) => status,
        // The connection's end, good or bad, is told to the exchange.
        Either::Right((_, exchange)) => exchange.await,
    }
}

async fn discard(mut body: Incoming) {
    let mut left = BODY;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, bytes::Bytes::len)) else { return };
        left = rest;
    }
}
