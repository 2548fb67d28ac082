//! `ws`: being called (`--push`) or asking.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use peers::{Args, DEFLATE_LEVEL, Work};
use ws::{
    Context, DeflateConfig, Handler, Message, Payload, Prepared, Sender, Server, ServerConfig,
    WebSocket,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::read();
    let mut config = ServerConfig::default();
    if args.deflate {
        let mut deflate = DeflateConfig::default();
        deflate.server_no_context_takeover = false;
        deflate.level = DEFLATE_LEVEL as u8;
        config.deflate = Some(deflate);
    }
    if let Some(folder) = &args.tls {
        let tls =
            ws::net::TlsAcceptor::from_pem_files(folder.join("cert.pem"), folder.join("key.pem"))?;
        config.secure = Some(Arc::new(tls));
    }
    let server = Server::bind_with(args.addr, config).await?;
    let everybody = Everybody::default();
    match (args.push, args.work) {
        (true, Work::Echo) => server.serve_with(|_| Echo).await,
        (true, Work::Broadcast) => server.serve_with(move |_| Publish(everybody.clone())).await,
        (false, Work::Echo) => server.serve(echo).await,
        (false, Work::Broadcast) => {
            server.serve(async move |socket| publish(socket, everybody).await).await;
        }
    }
    Ok(())
}

struct Echo;

impl Handler for Echo {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        // Refused only if the connection is gone.
        let _ = socket.send_payload(&message);
    }
}

type Ended = Box<dyn std::error::Error + Send + Sync>;

async fn echo(mut socket: WebSocket) -> Result<(), Ended> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Everybody(Arc<Mutex<Vec<Sender>>>);

impl Everybody {
    fn join(&self, sender: Sender) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    }

    fn publish(&self, payload: &[u8]) {
        let message = Prepared::binary(payload);
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.try_send_prepared(&message).is_ok());
    }
}

struct Publish(Everybody);

impl Handler for Publish {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        self.0.join(socket.sender());
    }

    fn on_message(&mut self, _: &mut Context<'_>, message: Payload<'_>) {
        self.0.publish(message.as_bytes());
    }
}

async fn publish(mut socket: WebSocket, everybody: Everybody) -> Result<(), Ended> {
    everybody.join(socket.sender());
    while let Some(message) = socket.recv().await? {
        let payload: Bytes = Message::into_bytes(message);
        everybody.publish(&payload);
    }
    Ok(())
}
