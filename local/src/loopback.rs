//! One server on 127.0.0.1 that stops when it is dropped, and the answer that never arrives.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use http_body::Frame;
use tokio::{net::TcpListener, sync::watch};

/// An open port that nobody serves yet.
pub(crate) struct Door {
    listener: TcpListener,
    url: String,
    stop: watch::Sender<()>,
}

/// A served port; the server stops when this is dropped.
pub(crate) struct Server {
    url: String,
    _stop: watch::Sender<()>,
}

/// Tells when a server stops.
#[derive(Clone)]
pub(crate) struct Stopped(watch::Receiver<()>);

impl Door {
    /// Opens a port on loopback; 0 picks a free one.
    pub(crate) async fn open(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url, stop: watch::Sender::new(()) })
    }

    /// Where it is, such as `http://127.0.0.1:40123`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Tells when the server behind this door stops.
    pub(crate) fn stopped(&self) -> Stopped {
        Stopped(self.stop.subscribe())
    }

    /// Serves a router, which may ask for `ConnectInfo<SocketAddr>`.
    pub(crate) fn serve(self, router: Router) -> Server {
        let stopped = self.stopped();
        self.hand_over(|listener| async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let ended = axum::serve(listener, service).with_graceful_shutdown(stopped.wait()).await;
            if let Err(error) = ended {
                tracing::error!(%error, "a loopback server ended");
            }
        })
    }

    /// Gives the listener to somebody who serves it until [`Stopped`] says otherwise.
    pub(crate) fn hand_over<F>(self, serve: impl FnOnce(TcpListener) -> F) -> Server
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(serve(self.listener));
        Server { url: self.url, _stop: self.stop }
    }
}

impl Server {
    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Stopped {
    /// Ends when the server does: nothing is ever sent, the sender is dropped.
    pub(crate) async fn wait(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// An answer that breaks the connection before its first byte is sent.
pub(crate) fn broken() -> Response {
    Response::new(Body::new(Broken))
}

struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}
