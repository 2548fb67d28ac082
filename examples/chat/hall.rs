//! Who is where, and what was said there lately. Knows no sockets; everything in it is bounded.

use std::collections::{HashMap, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sio::adapter::SocketId;

/// Characters of a person's name.
const MAX_NAME: usize = 24;
/// Characters of a room's name.
const MAX_ROOM_NAME: usize = 32;
/// Characters of a message.
const MAX_TEXT: usize = 2000;
/// Messages that a room remembers.
const MAX_HISTORY: usize = 100;
/// Rooms. For another one the empty room that was quiet for longest goes.
const MAX_ROOMS: usize = 50;
/// Rooms that never go; the first is where people arrive.
const FIXED_ROOMS: [&str; 3] = ["lobby", "random", "help"];

/// How someone would like to come in: the auth payload.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    pub name: String,
    pub room: String,
    pub key: String,
}

/// Someone who is here.
#[derive(Debug)]
pub struct Person {
    pub id: SocketId,
    pub name: String,
    pub room: String,
    key: String,
}

/// Something that was said.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    id: u64,
    from: String,
    text: String,
    /// Milliseconds since 1970.
    at: u128,
}

/// What one sees who enters a room.
#[derive(Debug, Serialize)]
pub struct View {
    name: String,
    members: Vec<String>,
    /// Oldest first.
    history: Vec<Message>,
}

/// A room in the list of rooms.
#[derive(Debug, Serialize)]
pub struct Listed<'a> {
    name: &'a str,
    members: usize,
}

/// Who went from where to where.
#[derive(Debug)]
pub struct Moved {
    pub name: String,
    pub left: String,
    pub entered: String,
}

#[derive(Debug)]
struct Room {
    name: String,
    history: VecDeque<Message>,
    /// When someone entered or spoke there last, counted in such events.
    used: u64,
}

#[derive(Debug)]
pub struct Hall {
    people: HashMap<SocketId, Person>,
    /// In the order in which they were opened.
    rooms: Vec<Room>,
    events: u64,
}

impl Default for Hall {
    fn default() -> Self {
        let rooms = FIXED_ROOMS.map(Room::new).into();
        Self { people: HashMap::new(), rooms, events: 0 }
    }
}

impl Hall {
    /// Takes out who is here with this key. A key is a secret, so that nobody takes the place of others.
    pub fn dismiss(&mut self, key: &str) -> Option<Person> {
        let id = self.people.values().find(|person| !key.is_empty() && person.key == key)?.id;
        self.people.remove(&id)
    }

    /// Lets someone in, under a name that nobody else has, and into the first room if the wished one can't be had.
    pub fn admit(&mut self, id: SocketId, wish: Wish) -> &Person {
        let name = self.free_name(&cleaned(&wish.name, MAX_NAME));
        let room = self.open(&wish.room).unwrap_or_else(|_| FIXED_ROOMS[0].to_owned());
        let key = wish.key.chars().take(64).collect();
        self.people.entry(id).insert_entry(Person { id, name, room, key }).into_mut()
    }

    pub fn person(&self, id: SocketId) -> Option<&Person> {
        self.people.get(&id)
    }

    /// Someone changes the room; `None` if it is the same. A room that isn't there is opened.
    pub fn enter(&mut self, id: SocketId, room: &str) -> Result<Option<Moved>, String> {
        let entered = self.open(room)?;
        let person = self.people.get_mut(&id).ok_or("You have left.")?;
        if person.room == entered {
            return Ok(None);
        }
        let left = std::mem::replace(&mut person.room, entered.clone());
        Ok(Some(Moved { name: person.name.clone(), left, entered }))
    }

    /// Someone says something; gives the room in which.
    pub fn say(&mut self, id: SocketId, text: String) -> Result<(String, Message), String> {
        let message = self.message(id, text)?;
        let room = self.people.get(&id).map(|person| person.room.clone()).unwrap_or_default();
        if let Some(room) = self.rooms.iter_mut().find(|other| other.name == room) {
            room.remember(message.clone(), self.events);
        }
        Ok((room, message))
    }

    /// Someone says something to one person only, wherever that is; gives who it is. Nobody remembers it.
    pub fn whisper(
        &mut self,
        id: SocketId,
        to: &str,
        text: String,
    ) -> Result<(SocketId, Message), String> {
        let to = self.people.values().find(|person| person.name == to).map(|person| person.id);
        let to = to.ok_or("Nobody of this name is here.")?;
        Ok((to, self.message(id, text)?))
    }

    fn message(&mut self, id: SocketId, text: String) -> Result<Message, String> {
        let person = self.people.get(&id).ok_or("You have left.")?;
        if text.trim().is_empty() {
            return Err("There is nothing to send.".to_owned());
        }
        if text.chars().count() > MAX_TEXT {
            return Err(format!("More than {MAX_TEXT} characters are too many."));
        }
        self.events += 1;
        Ok(Message { id: self.events, from: person.name.clone(), text, at: now() })
    }

    pub fn leave(&mut self, id: SocketId) -> Option<Person> {
        self.people.remove(&id)
    }

    /// The names of those in a room, sorted.
    pub fn members(&self, room: &str) -> Vec<&str> {
        let here = self.people.values().filter(|person| person.room == room);
        let mut names: Vec<&str> = here.map(|person| person.name.as_str()).collect();
        names.sort_by_cached_key(|name| name.to_lowercase());
        names
    }

    pub fn view(&self, room: &str) -> View {
        let history = self.rooms.iter().find(|other| other.name == room).map(|room| &room.history);
        View {
            name: room.to_owned(),
            members: self.members(room).into_iter().map(str::to_owned).collect(),
            history: history.into_iter().flatten().cloned().collect(),
        }
    }

    pub fn rooms(&self) -> Vec<Listed<'_>> {
        let mut crowds: HashMap<&str, usize> = HashMap::new();
        for person in self.people.values() {
            *crowds.entry(&person.room).or_default() += 1;
        }
        let listed = |name| Listed { name, members: crowds.get(name).copied().unwrap_or(0) };
        self.rooms.iter().map(|room| listed(room.name.as_str())).collect()
    }

    /// Finds the room of this name, or opens one; gives the name that it has.
    fn open(&mut self, name: &str) -> Result<String, String> {
        let name = cleaned(name, MAX_ROOM_NAME);
        if name.is_empty() {
            return Err("A room needs a name.".to_owned());
        }
        self.events += 1;
        if let Some(room) = self.rooms.iter_mut().find(|room| room.name == name) {
            room.used = self.events;
            return Ok(name);
        }
        if self.rooms.len() >= MAX_ROOMS {
            self.close_one()?;
        }
        self.rooms.push(Room { used: self.events, ..Room::new(&name) });
        Ok(name)
    }

    fn close_one(&mut self) -> Result<(), String> {
        let may_go = |room: &Room| {
            !FIXED_ROOMS.contains(&room.name.as_str())
                && self.people.values().all(|person| person.room != room.name)
        };
        let rooms = self.rooms.iter().enumerate().filter(|(_, room)| may_go(room));
        let quietest = rooms.min_by_key(|(_, room)| room.used).map(|(place, _)| place);
        self.rooms.remove(quietest.ok_or("There are too many rooms already.")?);
        Ok(())
    }

    fn free_name(&self, wish: &str) -> String {
        let wish = if wish.is_empty() { "guest" } else { wish };
        let taken = |name: &str| self.people.values().any(|person| person.name == name);
        let numbered = (2..).map(|number| format!("{wish} {number}"));
        let mut names = std::iter::once(wish.to_owned()).chain(numbered);
        names.find(|name| !taken(name)).expect("there are more numbers than people")
    }
}

impl Room {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), history: VecDeque::new(), used: 0 }
    }

    fn remember(&mut self, message: Message, event: u64) {
        if self.history.len() == MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(message);
        self.used = event;
    }
}

/// A name without control characters, with single spaces, and not too long.
fn cleaned(name: &str, max: usize) -> String {
    let visible: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    words.join(" ").chars().take(max).collect::<String>().trim_end().to_owned()
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
