//! What stands in the terminal. Nothing from others reaches it with control characters, which could command it.

use serde::Deserialize;

/// Something that was said.
#[derive(Debug, Deserialize)]
pub struct Message {
    from: String,
    text: String,
}

/// A room with those in it, and what was said there lately.
#[derive(Debug, Default, Deserialize)]
pub struct Room {
    name: String,
    pub members: Vec<String>,
    history: Vec<Message>,
}

pub fn room(room: &Room) {
    notice(&format!("this is {}", room.name));
    people(room);
    room.history.iter().for_each(message);
}

pub fn people(room: &Room) {
    notice(&format!("here: {}", room.members.join(", ")));
}

pub fn message(message: &Message) {
    println!("{}: {}", tame(&message.from), tame(&message.text));
}

pub fn whisper(message: &Message) {
    println!("{} (to you alone): {}", tame(&message.from), tame(&message.text));
}

pub fn notice(text: &str) {
    println!("* {}", tame(text));
}

pub fn help() {
    notice("/join <room>   /who   /tell <name>: <text>   /quit   and everything else is said");
}

fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
