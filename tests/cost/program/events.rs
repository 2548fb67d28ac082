//! Events of Socket.IO: from the text of a packet to the values that a handler takes. Beside each the same JSON read by
//! `serde_json` alone, which is what could not be saved.

use std::hint::black_box;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sio::packet::{Limits, PacketRef};

use crate::cases::Case;

/// What a position of a player, say, looks like.
#[derive(Deserialize)]
#[allow(dead_code)] // Only read.
struct Item {
    id: u64,
    name: String,
    tags: Vec<String>,
    x: f64,
    y: f64,
}

pub(crate) fn all() -> Vec<Case> {
    let item = |id: usize| {
        format!(
            r#"{{"id":{id},"name":"item \"{id}\"","tags":["red","round"],"x":{id}.25,"y":-0.5}}"#
        )
    };
    let items = |count: usize| format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(","));
    let text = |size: usize| format!("\"{}\"", "Lorem ipsum dolor ".repeat(size / 18));
    vec![
        event::<String>("event-text-32", &text(36)),
        plain::<String>("event-text-32-json", &text(36)),
        event::<String>("event-text-4K", &text(4096)),
        plain::<String>("event-text-4K-json", &text(4096)),
        event::<Vec<Item>>("event-items-1", &items(1)),
        plain::<Vec<Item>>("event-items-1-json", &items(1)),
        event::<Vec<Item>>("event-items-100", &items(100)),
        plain::<Vec<Item>>("event-items-100-json", &items(100)),
    ]
}

/// A whole packet, decoded and its argument read.
fn event<T: DeserializeOwned>(name: &'static str, argument: &str) -> Case {
    let text = format!(r#"2/admin,17["event",{argument}]"#);
    let limits = Limits::default();
    repeat(name, move || {
        let packet = PacketRef::decode(black_box(&text), &limits).unwrap();
        drop(black_box(packet.arguments().read::<T>().unwrap()));
    })
}

/// The argument alone.
fn plain<T: DeserializeOwned>(name: &'static str, argument: &str) -> Case {
    let text = argument.to_owned();
    repeat(name, move || drop(black_box(serde_json::from_str::<T>(black_box(&text)).unwrap())))
}

fn repeat(name: &'static str, mut once: impl FnMut() + 'static) -> Case {
    let work = move |rounds| (0..rounds).for_each(|_| once());
    Case { name, rounds: 100, messages: 1, work: Box::new(work), has_wire: false }
}
