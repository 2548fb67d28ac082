//! Connection state recovery: what a namespace has sent lately, and the sockets that may come back for it (rule 29).
//!
//! Every event that is neither volatile nor asks for an answer gets an offset, which travels as its last argument: the client tells
//! the last one it has seen when it comes back, with the private id that it was given. Both stores are bounded; a session that can't
//! be restored without a gap is not restored at all.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Encoded, Room, SocketId, Target};

/// What a [`Journal`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLimits {
    /// How long a session is kept.
    pub session_age: Duration,
    /// How long a packet is kept: as long as a session, and as long before its end as a connection may be dead unnoticed.
    pub packet_age: Duration,
    /// Bytes of all packets.
    pub bytes: usize,
    /// Sessions; the oldest makes room.
    pub sessions: usize,
}

/// What is kept of a socket that is disconnected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which it gets again.
    pub id: SocketId,
    /// The rooms that it was in.
    pub rooms: Vec<Room>,
    /// What the application keeps with it, as JSON.
    pub data: Option<Box<str>>,
    /// The offset of the last packet before it connected for the first time: older ones are none of its business.
    pub since: u64,
}

/// The packets and sessions of one namespace.
#[derive(Debug)]
pub struct Journal {
    limits: JournalLimits,
    packets: VecDeque<Entry>,
    bytes: usize,
    /// The offset of the last packet.
    last: u64,
    /// The offset of the last packet that had to go before its time: who has not seen that has a gap.
    cut: u64,
    /// By private id, with when each expires.
    sessions: HashMap<Box<str>, (Instant, Session)>,
    /// Private ids by when they expire. Some are claimed already, or kept again since.
    expiries: VecDeque<(Instant, Box<str>)>,
}

#[derive(Debug)]
struct Entry {
    offset: u64,
    at: Instant,
    target: Target,
    packet: Encoded,
}

impl Journal {
    /// An empty journal.
    pub fn new(limits: JournalLimits) -> Self {
        Self {
            limits,
            packets: VecDeque::new(),
            bytes: 0,
            last: 0,
            cut: 0,
            sessions: HashMap::new(),
            expiries: VecDeque::new(),
        }
    }

    /// The offset of the last packet.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Keeps an event, gives it the next offset as last argument, and returns that.
    pub fn append(&mut self, now: Instant, target: &Target, packet: &mut Encoded) -> u64 {
        self.last += 1;
        let offset = self.last;
        add_argument(&mut packet.text, &format!("\"{offset:x}\""));
        self.bytes += weight(packet);
        let entry = Entry { offset, at: now, target: target.clone(), packet: packet.clone() };
        self.packets.push_back(entry);
        while self.bytes > self.limits.bytes
            && let Some(oldest) = self.pop()
        {
            self.cut = oldest;
        }
        offset
    }

    /// Keeps the state of a socket that may come back.
    pub fn keep(&mut self, now: Instant, private: &str, session: Session) {
        while self.sessions.len() >= self.limits.sessions
            && let Some((at, oldest)) = self.expiries.pop_front()
        {
            self.take_expired(at, &oldest);
        }
        let expires = now + self.limits.session_age;
        self.sessions.insert(private.into(), (expires, session));
        self.expiries.push_back((expires, private.into()));
    }

    /// Takes the session with this private id, and the offset of the last packet that its client has seen: what it says, or where it
    /// began if it has seen none. Works once. `None` also if packets since then are gone before their time.
    pub fn claim(
        &mut self,
        now: Instant,
        private: &str,
        offset: Option<&str>,
    ) -> Option<(Session, u64)> {
        self.expire(now);
        let (_, session) = self.sessions.remove(private)?;
        let seen = match offset {
            Some(offset) => {
                u64::from_str_radix(offset, 16).ok().filter(|seen| *seen <= self.last)?
            }
            None => session.since,
        };
        let seen = seen.max(session.since);
        (seen >= self.cut).then_some((session, seen))
    }

    /// The packets after `seen` that were for this socket. `None` if some are gone before their time.
    pub fn missed(&self, seen: u64, id: SocketId, rooms: &[Room]) -> Option<Vec<Encoded>> {
        let after = self.packets.iter().filter(|entry| entry.offset > seen);
        let missed = after.filter(|entry| entry.target.includes(id, rooms));
        (seen >= self.cut).then(|| missed.map(|entry| entry.packet.clone()).collect())
    }

    /// Forgets what is too old; gives the sessions that nobody has come back for.
    pub fn expire(&mut self, now: Instant) -> Vec<Session> {
        while let Some(oldest) = self.packets.front()
            && now.duration_since(oldest.at) > self.limits.packet_age
        {
            self.pop();
        }
        let mut expired = Vec::new();
        while self.expiries.front().is_some_and(|(at, _)| *at <= now)
            && let Some((at, private)) = self.expiries.pop_front()
        {
            expired.extend(self.take_expired(at, &private));
        }
        expired
    }

    /// May somebody come back?
    pub fn has_sessions(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// Is there nothing to expire?
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty() && self.expiries.is_empty()
    }

    /// Under the same private id a socket may have come and gone again: then it is kept longer.
    fn take_expired(&mut self, at: Instant, private: &str) -> Option<Session> {
        let is_due = self.sessions.get(private).is_some_and(|(expires, _)| *expires == at);
        if is_due { self.sessions.remove(private).map(|(_, session)| session) } else { None }
    }

    fn pop(&mut self) -> Option<u64> {
        let entry = self.packets.pop_front()?;
        self.bytes -= weight(&entry.packet);
        Some(entry.offset)
    }
}

fn weight(packet: &Encoded) -> usize {
    size_of::<Entry>()
        + packet.text.len()
        + packet.attachments.iter().map(bytes::Bytes::len).sum::<usize>()
}

/// Sees to it that an event without an offset does not look as if it had one: the client takes the last argument for it if that is
/// a string.
pub fn without_offset(packet: &mut Encoded) {
    if packet.text.ends_with("\"]") {
        add_argument(&mut packet.text, "null");
    }
}

/// An event's text ends with the array of its arguments, which has at least one element: its name.
fn add_argument(text: &mut String, json: &str) {
    text.truncate(text.len() - 1);
    text.push(',');
    text.push_str(json);
    text.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn journal() -> (Journal, Instant) {
        let limits = JournalLimits {
            session_age: 2 * MINUTE,
            packet_age: 3 * MINUTE,
            bytes: 4096,
            sessions: 2,
        };
        (Journal::new(limits), Instant::now())
    }

    fn id(byte: u8) -> SocketId {
        SocketId::from_random([byte; 15])
    }

    fn session(byte: u8, rooms: &[&str], since: u64) -> Session {
        let rooms = rooms.iter().map(|room| Room::from(*room)).collect();
        Session { id: id(byte), rooms, data: None, since }
    }

    fn send(journal: &mut Journal, now: Instant, event: &str, target: &Target) -> String {
        let mut packet = Encoded { text: format!("2[\"{event}\"]"), attachments: Vec::new() };
        journal.append(now, target, &mut packet);
        packet.text
    }

    fn to(rooms: &[&str], except: &[&str]) -> Target {
        let names = |list: &[&str]| list.iter().map(|&name| name.into()).collect();
        Target { rooms: names(rooms), except: names(except), ..Target::default() }
    }

    fn claim(
        journal: &mut Journal,
        now: Instant,
        private: &str,
        offset: Option<&str>,
    ) -> Option<(Session, Vec<Encoded>)> {
        let (session, seen) = journal.claim(now, private, offset)?;
        let missed = journal.missed(seen, session.id, &session.rooms)?;
        Some((session, missed))
    }

    fn texts(missed: &[Encoded]) -> Vec<&str> {
        missed.iter().map(|packet| packet.text.as_str()).collect()
    }

    #[test]
    fn rule_29_what_came_after_the_offset_is_missed_if_it_was_meant() {
        let (mut journal, now) = journal();
        send(&mut journal, now, "seen", &Target::default());
        journal.keep(now, "p", session(1, &["a"], 0));
        for (event, target) in [
            ("all", to(&[], &[])),
            ("a", to(&["a", "z"], &[])),
            ("b", to(&["b"], &[])),
            ("not a", to(&[], &["a"])),
            ("own", to(&[&id(1)], &[])),
            ("not own", to(&[], &[&id(1)])),
        ] {
            send(&mut journal, now, event, &target);
        }
        let (restored, missed) = claim(&mut journal, now, "p", Some("1")).unwrap();
        assert_eq!(restored, session(1, &["a"], 0));
        assert_eq!(texts(&missed), [r#"2["all","2"]"#, r#"2["a","3"]"#, r#"2["own","6"]"#]);
        assert!(claim(&mut journal, now, "p", Some("1")).is_none(), "a private id works once");
    }

    #[test]
    fn rule_29_who_has_seen_nothing_gets_all_since_it_connected() {
        let (mut journal, now) = journal();
        send(&mut journal, now, "before", &Target::default());
        let since = journal.last();
        send(&mut journal, now, "after", &Target::default());
        journal.keep(now, "p", session(1, &[], since));
        journal.keep(now, "q", session(2, &[], since));
        let (_, missed) = claim(&mut journal, now, "p", None).unwrap();
        assert_eq!(texts(&missed), [r#"2["after","2"]"#]);
        let (_, missed) = claim(&mut journal, now, "q", Some("0")).unwrap();
        assert_eq!(missed.len(), 1, "an offset of its own making gives it no more");
    }

    #[test]
    fn rule_29_offsets_that_were_never_given_restore_nothing() {
        let (mut journal, now) = journal();
        for (private, offset) in [("p", "9"), ("q", "x")] {
            journal.keep(now, private, session(1, &[], 0));
            assert!(claim(&mut journal, now, private, Some(offset)).is_none());
        }
    }

    #[test]
    fn sessions_expire_and_are_told_once() {
        let (mut journal, now) = journal();
        journal.keep(now, "p", session(1, &[], 0));
        journal.keep(now + MINUTE, "q", session(2, &[], 0));
        assert!(journal.expire(now + 2 * MINUTE - Duration::from_millis(1)).is_empty());
        assert_eq!(journal.expire(now + 2 * MINUTE), [session(1, &[], 0)]);
        assert!(claim(&mut journal, now + 2 * MINUTE, "q", None).is_some());
        assert!(journal.expire(now + 9 * MINUTE).is_empty() && journal.is_empty());
    }

    #[test]
    fn who_comes_and_goes_is_kept_from_the_last_time_on() {
        let (mut journal, now) = journal();
        journal.keep(now, "p", session(1, &[], 0));
        assert!(claim(&mut journal, now + MINUTE, "p", None).is_some());
        journal.keep(now + MINUTE, "p", session(1, &[], 0));
        assert!(journal.expire(now + 2 * MINUTE).is_empty());
        assert_eq!(journal.expire(now + 3 * MINUTE).len(), 1);
    }

    #[test]
    fn a_gap_restores_nothing_but_age_makes_none() {
        let (mut journal, now) = journal();
        journal.keep(now, "p", session(1, &[], 0));
        journal.keep(now, "q", session(2, &[], 0));
        send(&mut journal, now, &"x".repeat(3000), &Target::default());
        send(&mut journal, now, &"y".repeat(3000), &Target::default());
        assert!(claim(&mut journal, now, "p", None).is_none(), "the first one had to go");
        assert_eq!(claim(&mut journal, now, "q", Some("1")).unwrap().1.len(), 1);
        let later = now + 10 * MINUTE;
        journal.keep(later, "p", session(1, &[], 0));
        let (_, missed) = claim(&mut journal, later, "p", Some("1")).unwrap();
        assert!(missed.is_empty(), "what is as old as that was heard: the heartbeat went on");
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let (mut journal, now) = journal();
        for (byte, private) in [(1, "p"), (2, "q"), (3, "r")] {
            journal.keep(now, private, session(byte, &[], 0));
        }
        assert!(
            claim(&mut journal, now, "p", None).is_none()
                && claim(&mut journal, now, "r", None).is_some()
        );
    }

    #[test]
    fn rule_29_an_event_without_offset_does_not_end_with_a_string() {
        for (text, expected) in [
            (r#"2["e"]"#, r#"2["e",null]"#),
            (r#"2["e","x"]"#, r#"2["e","x",null]"#),
            (r#"2["e",1]"#, r#"2["e",1]"#),
        ] {
            let mut packet = Encoded { text: text.into(), attachments: Vec::new() };
            without_offset(&mut packet);
            assert_eq!(packet.text, expected);
        }
    }
}
