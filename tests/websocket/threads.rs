//! One connection used by many threads at once: who was told that a message is sent can rely on it, and each sees its own order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use ws::net::Stream;
use ws::{CloseCode, Config, Context, Message, Payload, Role, Sender, TrySendError, WebSocket};

/// Connections, and messages of each who sends.
const ROUNDS: usize = 60;
const MESSAGES: usize = 400;

/// Answers each message by two, and counts them.
struct Answers(Arc<AtomicUsize>);

impl ws::Handler for Answers {
    fn on_message(&mut self, socket: &mut Context<'_>, _: Payload<'_>) {
        let sender = socket.sender();
        let count = self.0.load(Ordering::Relaxed);
        // By either handle: both are the same connection.
        let sent = usize::from(socket.text(&format!("handler {count}")).is_ok());
        let next = format!("handler {}", count + sent);
        let sent = sent + usize::from(sender.try_send(next).is_ok());
        self.0.store(count + sent, Ordering::Relaxed);
    }
}

/// Sends numbered messages until there are enough, or no more are taken; tells how many were.
fn chatter(name: &str, sender: &Sender) -> usize {
    for number in 0..MESSAGES {
        let mut message = Message::from(format!("{name} {number}"));
        loop {
            match sender.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Closed(_)) => return number,
                Err(TrySendError::Full(back)) => message = back,
            }
            thread::yield_now();
        }
    }
    MESSAGES
}

async fn round(closes_early: bool) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let config = Arc::new(Config::default());
    let answered = Arc::new(AtomicUsize::new(0));
    let handler = Answers(answered.clone());
    let near = Stream::new(near);
    let sender = ws::stream::spawn(near, Bytes::new(), Role::Server, config.clone(), handler);
    let client = WebSocket::from_stream(Stream::new(far), Bytes::new(), Role::Client, config);
    let (mut reader, asking) = client.split();
    let asking = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            if asking.send("go").await.is_err() {
                break;
            }
        }
    });
    let threads = ["a", "b"].map(|name| {
        let sender = sender.clone();
        thread::spawn(move || {
            let count = chatter(name, &sender);
            if closes_early && name == "a" {
                sender.close(CloseCode::NORMAL, "enough");
            }
            count
        })
    });
    let mut received = [0; 3];
    let names = ["a", "b", "handler"];
    let everything = MESSAGES + MESSAGES + 2 * MESSAGES;
    while let Some(message) = reader.recv().await.unwrap() {
        let (name, number) = message.as_text().unwrap().split_once(' ').unwrap();
        let who = names.iter().position(|known| *known == name).unwrap();
        assert_eq!(number.parse(), Ok(received[who]), "of {name}");
        received[who] += 1;
        if received.iter().sum::<usize>() == everything {
            sender.close(CloseCode::NORMAL, "enough");
        }
    }
    let sent = threads.map(|thread| thread.join().unwrap());
    asking.await.unwrap();
    assert_eq!(received, [sent[0], sent[1], answered.load(Ordering::Relaxed)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_arrives_in_the_order_of_each_sender() {
    for _ in 0..ROUNDS {
        round(false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_before_a_close_from_another_thread_arrives() {
    for _ in 0..ROUNDS {
        round(true).await;
    }
}
