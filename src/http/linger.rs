//! A request body that is read to its end even when the handler gave it up.
//!
//! A server that answers and closes while the client still sends makes the kernel reset the connection, and
//! the client may lose the answer (RFC 9112 section 9.6). So a body dropped early is drained in the background,
//! within `HTTP_LINGER_BYTES_MAX` and `HTTP_LINGER_TIMEOUT`; what is longer closes the connection after all.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;

use crate::limits::{HTTP_LINGER_BYTES_MAX, HTTP_LINGER_TIMEOUT};

/// A body that drains what is left of it when dropped.
pub(super) struct Linger {
    body: Body,
    /// The client sends nothing before it is asked to, and asking begins with the first read.
    waits: bool,
}

impl Linger {
    /// Wraps the body of a request with these headers.
    pub(super) fn new(body: Body, headers: &HeaderMap) -> Self {
        Self { body, waits: headers.contains_key(header::EXPECT) }
    }
}

impl HttpBody for Linger {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.waits = false;
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Linger {
    fn drop(&mut self) {
        if self.waits || self.body.is_end_stream() {
            return;
        }
        let body = std::mem::take(&mut self.body);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(HTTP_LINGER_TIMEOUT, drain(body)));
        }
    }
}

async fn drain(mut body: Body) {
    let mut left = HTTP_LINGER_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
