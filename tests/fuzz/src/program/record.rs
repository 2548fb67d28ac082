//! What one end did and saw.

use std::sync::{Arc, Mutex, MutexGuard};

use arbitrary::Arbitrary;
use ws::{CloseReport, Message};

/// Shared by the tasks of one end. All run on one thread, so that the order in it is that in which things happened.
pub(super) type Shared = Arc<Mutex<Record>>;

#[derive(Debug, Default)]
pub(super) struct Record {
    /// What was taken to be sent.
    pub(super) sent: Vec<Message>,
    pub(super) received: Vec<Message>,
    /// Pings that were taken to be sent, those that arrived, and pongs that did; the latter two as far as somebody told.
    pub(super) pings: Vec<Vec<u8>>,
    pub(super) pings_seen: Vec<Vec<u8>>,
    pub(super) pongs_seen: Vec<Vec<u8>>,
    /// How the connection ended, each time that somebody said so; `None` if only that it was clean.
    pub(super) ends: Vec<Option<CloseReport>>,
    /// Messages were dropped on purpose: by a close that waits, or because nobody reads.
    pub(super) discards: bool,
    /// The program is over: a handler that paused now would do so for ever.
    pub(super) is_over: bool,
    /// Bytes of all messages that were made.
    volume: usize,
    made: u32,
}

/// A message to be made.
#[derive(Debug, Arbitrary)]
pub(super) struct Draft {
    is_text: bool,
    len: u16,
}

/// Of big messages there are not more than this, in bytes: they take time.
const MAX_VOLUME: usize = 300_000;

impl Record {
    /// A message that is like no other, unless it is tiny.
    pub(super) fn make(&mut self, draft: &Draft) -> Message {
        let len = match draft.len >> 14 {
            0 | 1 => draft.len & 0xFF,
            2 => draft.len & 0xFFF,
            _ => draft.len,
        };
        let len = if self.volume > MAX_VOLUME { len & 0xFF } else { len };
        self.volume += usize::from(len);
        self.made += 1;
        let number = format!("{}é,", self.made);
        let bytes: Vec<u8> = number.bytes().cycle().take(len.into()).collect();
        match String::from_utf8(bytes) {
            Ok(text) if draft.is_text => Message::from(text),
            Ok(text) => Message::from(text.into_bytes()),
            // Cut within the é.
            Err(error) => Message::from(error.into_bytes()),
        }
    }
}

pub(super) fn lock(record: &Shared) -> MutexGuard<'_, Record> {
    record.lock().expect("nobody panicked before")
}

pub(super) fn take(record: &Shared) -> Record {
    std::mem::take(&mut lock(record))
}
