//! How connections ended, for those who ask later or wait.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use tokio::sync::Notify;
use ws::{CloseReport, Initiator};

#[derive(Default)]
pub struct Reports {
    ended: Mutex<HashMap<String, String>>,
    news: Notify,
}

impl Reports {
    pub fn put(&self, id: &str, report: &CloseReport) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.insert(id.to_owned(), json(report));
        self.news.notify_waiters();
    }

    /// Waits for the end of the connection with this id.
    pub async fn of(&self, id: &str) -> String {
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable(); // before the look, so that nothing comes between
            if let Some(report) = self.ended.lock().unwrap_or_else(PoisonError::into_inner).get(id)
            {
                return report.clone();
            }
            news.await;
        }
    }
}

fn json(report: &CloseReport) -> String {
    let reason = report.received.as_ref().map_or("", |frame| &frame.reason);
    json!({
        "code": report.code().map_or(1006, ws::CloseCode::get),
        "reason": reason,
        "sent": report.sent.as_ref().map(|frame| frame.code.get()),
        "initiator": match report.initiator { Initiator::Local => "local", Initiator::Peer => "peer" },
        "failure": report.failure.map(|failure| failure.to_string()),
    })
    .to_string()
}
