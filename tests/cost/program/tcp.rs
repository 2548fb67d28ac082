//! Over TCP: the server in the main thread, its client in another that strace does not look at.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use clap::ValueEnum;
use ws::proto::frame::Opcode;
use ws::{Context, Handler, Payload, Server, WebSocket};

use crate::frames;

/// The interface that serves.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum How {
    /// [`Server::serve_with`].
    Push,
    /// [`Server::serve`].
    Pull,
}

const SIZE: usize = 128;

struct Echo;

impl Handler for Echo {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let _ = socket.send_payload(&message);
    }
}

async fn echo(mut socket: WebSocket) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

/// Serves one client that sends `messages` at once, `rounds` times.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn serve(how: How, rounds: usize, messages: usize) -> io::Result<()> {
    let server = Server::bind("127.0.0.1:0").await?;
    let addr = server.local_addr()?;
    let client = std::thread::spawn(move || {
        // The end of the program ends the server, too.
        std::process::exit(i32::from(talk(addr, rounds, messages).is_err()))
    });
    match how {
        How::Push => server.serve_with(|_| Echo).await,
        How::Pull => server.serve(echo).await,
    }
    client.join().expect("it does not return")
}

fn talk(addr: SocketAddr, rounds: usize, messages: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let turn = frames::message(Opcode::Binary, &[b'x'; SIZE]).repeat(messages);
    let mut answers = vec![0; frames::length(SIZE) as usize * messages];
    for _ in 0..rounds {
        stream.write_all(&turn)?;
        stream.read_exact(&mut answers)?;
    }
    Ok(())
}
