//! The paths of our server, by the pull API.

use std::time::Duration;

use tokio::time::interval;
use ws::WebSocket;

use crate::Result;
use crate::server::{Path, Place, REASON, enough};

pub async fn serve(mut socket: WebSocket, place: Place) -> Result {
    let sender = socket.sender();
    match place.path {
        Path::Report => {
            let report = place.reports.of(&place.id).await;
            socket.send(report).await?;
            while socket.recv().await?.is_some() {}
            return Ok(());
        }
        Path::Ping => tell_latency(&mut socket).await?,
        _ => {}
    }
    let result = loop {
        let message = match socket.recv().await {
            Ok(Some(message)) => message,
            end => break end.map(drop),
        };
        match place.path {
            Path::Echo => socket.send(message).await?,
            Path::Close => sender.close(enough(), REASON),
            Path::Drop => sender.abort(),
            Path::Ping | Path::Report => {}
        }
    };
    let report = sender.report().ok_or("it has ended without a report")?;
    place.reports.put(&place.id, &report);
    Ok(result?)
}

/// Pings are answered while somebody receives; the latency can only be asked for.
async fn tell_latency(socket: &mut WebSocket) -> Result {
    let sender = socket.sender();
    let mut look = interval(Duration::from_millis(2));
    let latency = loop {
        tokio::select! {
            received = socket.recv() => return Err(format!("not expected: {received:?}").into()),
            _ = look.tick() => if let Some(latency) = sender.latency() { break latency },
        }
    };
    Ok(socket.send(format!("latency {}", latency.as_micros())).await?)
}
