//! Echo over whatever is a `Stream` and a `Sink` of messages.

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

/// How messages that are there already are answered together. What is faster depends on the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// Each is queued at once, and the next asked for: for those who read into the same buffer again once a message is gone.
    Queue,
    /// They are collected before the first is queued: for those who flush whenever they are asked for the next.
    Collect,
}

/// Sends back what `answer` makes of each message, until the connection ends, with one flush for up to `most` of them.
pub async fn echo<S, In, Out, E>(
    mut socket: S,
    most: usize,
    batch: Batch,
    answer: impl Fn(In) -> Option<Out>,
) -> Option<()>
where
    S: Stream<Item = In> + Sink<Out, Error = E> + Unpin,
{
    if most <= 1 {
        while let Some(message) = socket.next().await {
            if let Some(message) = answer(message) {
                socket.send(message).await.ok()?;
            }
        }
        return Some(());
    }
    let mut answers = Vec::with_capacity(most);
    while let Some(message) = socket.next().await {
        answers.extend(answer(message));
        for _ in 1..most {
            if batch == Batch::Queue {
                queue(&mut socket, &mut answers).await?;
            }
            let Some(Some(message)) = socket.next().now_or_never() else { break };
            answers.extend(answer(message));
        }
        queue(&mut socket, &mut answers).await?;
        socket.flush().await.ok()?;
    }
    Some(())
}

async fn queue<S, Out, E>(socket: &mut S, answers: &mut Vec<Out>) -> Option<()>
where
    S: Sink<Out, Error = E> + Unpin,
{
    for message in answers.drain(..) {
        socket.feed(message).await.ok()?;
    }
    Some(())
}
