//! Servers to connect to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio::client::{Builder, Client, Config, Socket};
use sio::server::Io;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use ws::WebSocket;

/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it never happened")
}

/// Waits until `condition` holds. Only for what nobody tells: it looks again and again.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let held = tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(held.await.is_ok(), "it never was so: {what}");
}

/// Serves on a free port for as long as the runtime lives.
pub async fn serve(io: &Io) -> SocketAddr {
    let listening = io.bind("127.0.0.1:0").await.unwrap();
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    addr
}

pub fn client(addr: SocketAddr) -> Builder {
    Client::builder(format!("http://{addr}"))
}

pub async fn connect(addr: SocketAddr) -> Socket {
    soon(client(addr).connect()).await.unwrap()
}

pub fn configured(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

pub const OPEN: &str =
    r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// A server that greets with the first of these messages, sends the others once it has heard something, and tells all that it
/// hears, at last that the connection is closed.
pub async fn scripted(messages: &[&str]) -> (SocketAddr, UnboundedReceiver<String>) {
    let (heard, hears) = unbounded_channel();
    let messages: Arc<[String]> = messages.iter().map(|&message| message.to_owned()).collect();
    let server = ws::Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap();
    let serving = server.serve(move |mut socket: WebSocket| {
        let (heard, messages) = (heard.clone(), messages.clone());
        async move {
            let (greeting, rest) = messages.split_at(messages.len().min(1));
            for message in greeting {
                socket.send(message.as_str()).await?;
            }
            let mut rest = rest.iter();
            while let Ok(Some(message)) = socket.recv().await {
                let _ = heard.send(message.as_text().unwrap_or("binary").to_owned());
                for message in rest.by_ref() {
                    socket.send(message.as_str()).await?;
                }
            }
            let _ = heard.send("closed".to_owned());
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }
    });
    tokio::spawn(serving);
    (addr, hears)
}

/// Collects what handlers see.
pub struct Seen<T>(Arc<UnboundedSender<T>>, Mutex<UnboundedReceiver<T>>);

impl<T> Seen<T> {
    pub fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self(Arc::new(sender), Mutex::new(receiver))
    }

    pub fn sender(&self) -> UnboundedSender<T> {
        UnboundedSender::clone(&self.0)
    }

    pub async fn next(&self) -> T {
        // One test, one reader.
        soon(std::future::poll_fn(|cx| self.1.lock().unwrap().poll_recv(cx)))
            .await
            .expect("a sender is kept here")
    }

    pub fn try_next(&self) -> Option<T> {
        self.1.lock().unwrap().try_recv().ok()
    }

    pub fn assert_nothing(&self)
    where
        T: std::fmt::Debug,
    {
        if let Ok(seen) = self.1.lock().unwrap().try_recv() {
            panic!("{seen:?}");
        }
    }
}
