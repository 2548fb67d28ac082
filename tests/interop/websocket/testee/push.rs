//! The paths of our server, by the push API.

use ws::{CloseReport, Context, Handler, Payload};

use crate::server::{Path, Place, REASON, enough};

pub struct Push(pub Place);

impl Handler for Push {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        if let Path::Report = self.0.path {
            let (place, sender) = (self.0.clone(), socket.sender());
            tokio::spawn(async move { sender.send(place.reports.of(&place.id).await).await });
        }
    }

    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        match self.0.path {
            Path::Echo => socket.send_payload(&message).expect("an echo has room"),
            Path::Close => socket.close(enough(), REASON),
            Path::Drop => socket.sender().abort(),
            Path::Ping | Path::Report => {}
        }
    }

    fn on_pong(&mut self, socket: &mut Context<'_>, _: &[u8]) {
        if let (Path::Ping, Some(latency)) = (self.0.path, socket.latency()) {
            let _ = socket.text(&format!("latency {}", latency.as_micros())); // the client may have seen enough
        }
    }

    fn on_close(&mut self, report: &CloseReport) {
        if !matches!(self.0.path, Path::Report) {
            self.0.reports.put(&self.0.id, report);
        }
    }
}
