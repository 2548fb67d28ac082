//! Listeners by event name.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Up to this many names there is room for exactly as many.
const FEW: usize = 8;

/// Names one listener, to remove it. Unique within its [`Listeners`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// Listeners of type `H` by event name, and catch-all listeners, each in the order of registration.
///
/// A list of listeners is replaced when it changes and shared while it is called, so that a listener may add and remove
/// listeners (itself too) in the middle of a dispatch: the change counts from the next event on.
#[derive(Clone)]
pub struct Listeners<H> {
    /// Sorted by name. Most sockets listen to a few events: a table for them would be mostly empty.
    by_event: Vec<(Cow<'static, str>, List<H>)>,
    any: Option<List<H>>,
    /// Catch-all listeners that come before those of the name.
    before: Option<List<H>>,
    next: u64,
}

type List<H> = Arc<[Listener<H>]>;

#[derive(Clone)]
struct Listener<H> {
    id: ListenerId,
    once: bool,
    handler: H,
}

impl<H: Clone> Listeners<H> {
    /// Without listeners; allocates nothing.
    pub fn new() -> Self {
        Self { by_event: Vec::new(), any: None, before: None, next: 0 }
    }

    /// Adds a listener for every event of this name.
    pub fn on(&mut self, event: impl Into<Cow<'static, str>>, handler: H) -> ListenerId {
        self.add(event.into(), false, handler)
    }

    /// Adds a listener for the next event of this name only.
    pub fn once(&mut self, event: impl Into<Cow<'static, str>>, handler: H) -> ListenerId {
        self.add(event.into(), true, handler)
    }

    /// Adds a listener for all events, called after those of the name.
    pub fn on_any(&mut self, handler: H) -> ListenerId {
        let listener = self.listener(false, handler);
        let id = listener.id;
        self.any = Some(
            self.any
                .as_ref()
                .into_iter()
                .flat_map(|list| list.iter())
                .cloned()
                .chain([listener])
                .collect(),
        );
        id
    }

    /// Adds a listener for all events, called before all others there are.
    pub fn prepend_any(&mut self, handler: H) -> ListenerId {
        let listener = self.listener(false, handler);
        let id = listener.id;
        let others = self.before.as_ref().into_iter().flat_map(|list| list.iter()).cloned();
        self.before = Some([listener].into_iter().chain(others).collect());
        id
    }

    /// Removes all listeners of this name. They come back, to be dropped where no lock is held: a closure may own anything.
    pub fn off(&mut self, event: &str) -> Vec<H> {
        let list = self.find(event).ok().map(|index| self.by_event.remove(index).1);
        list.iter().flat_map(|list| list.iter()).map(|listener| listener.handler.clone()).collect()
    }

    /// Removes one listener, catch-all or not. It comes back as from [`off`](Self::off).
    pub fn remove(&mut self, id: ListenerId) -> Option<H> {
        let find = |list: &List<H>| {
            list.iter().find(|listener| listener.id == id).map(|listener| listener.handler.clone())
        };
        for any in [&mut self.before, &mut self.any] {
            if let Some(list) = any
                && let Some(handler) = find(list)
            {
                let left = without(list, |listener| listener.id == id);
                *any = Some(left).filter(|list| !list.is_empty());
                return Some(handler);
            }
        }
        let lists = self.by_event.iter().enumerate();
        let (index, handler) =
            lists.filter_map(|(index, (_, list))| Some((index, find(list)?))).next()?;
        self.retain(index, |listener| listener.id == id);
        Some(handler)
    }

    /// The listeners of an event that has happened: one that waited for it once is no listener any more, and lives on only in
    /// what is returned.
    pub fn fire(&mut self, event: &str) -> Fired<H> {
        let index = self.find(event).ok();
        let named = index.map(|index| self.by_event[index].1.clone());
        if let (Some(index), Some(list)) = (index, &named)
            && list.iter().any(|listener| listener.once)
        {
            self.retain(index, |listener| listener.once);
        }
        Fired { before: self.before.clone(), named, any: self.any.clone() }
    }

    fn add(&mut self, event: Cow<'static, str>, once: bool, handler: H) -> ListenerId {
        let listener = self.listener(once, handler);
        let id = listener.id;
        match self.find(&event) {
            Ok(index) => {
                let list = &mut self.by_event[index].1;
                *list = with(list, listener);
            }
            Err(index) => {
                if self.by_event.len() < FEW {
                    self.by_event.reserve_exact(1);
                }
                self.by_event.insert(index, (event, Arc::from([listener])));
            }
        }
        id
    }

    /// Where the listeners of this name are, or belong.
    fn find(&self, event: &str) -> Result<usize, usize> {
        self.by_event.binary_search_by(|(name, _)| (**name).cmp(event))
    }

    fn listener(&mut self, once: bool, handler: H) -> Listener<H> {
        let id = ListenerId(self.next);
        self.next += 1;
        Listener { id, once, handler }
    }

    /// Removes the listeners of the event at `index` that are `gone`, and the name with the last of them.
    fn retain(&mut self, index: usize, gone: impl Fn(&Listener<H>) -> bool) {
        let list = &mut self.by_event[index].1;
        *list = without(list, gone);
        if list.is_empty() {
            self.by_event.remove(index);
        }
    }
}

impl<H: Clone> Default for Listeners<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H> fmt::Debug for Listeners<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("events", &self.by_event.len())
            .field("any", &self.any.as_ref().map_or(0, |list| list.len()))
            .finish()
    }
}

/// The listeners that one event has, as they were when it happened.
pub struct Fired<H> {
    before: Option<List<H>>,
    named: Option<List<H>>,
    any: Option<List<H>>,
}

impl<H> Fired<H> {
    /// The catch-all ones that were prepended, those of the event's name, then the other catch-all ones.
    pub fn iter(&self) -> impl Iterator<Item = &H> {
        let lists = [&self.before, &self.named, &self.any].into_iter().flatten();
        lists.flat_map(|list| list.iter()).map(|listener| &listener.handler)
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.before.is_none() && self.named.is_none() && self.any.is_none()
    }
}

impl<H> fmt::Debug for Fired<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fired").field("listeners", &self.iter().count()).finish()
    }
}

fn with<H: Clone>(list: &List<H>, listener: Listener<H>) -> List<H> {
    list.iter().cloned().chain([listener]).collect()
}

fn without<H: Clone>(list: &List<H>, gone: impl Fn(&Listener<H>) -> bool) -> List<H> {
    list.iter().filter(|listener| !gone(listener)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::Listeners;

    fn fire(listeners: &mut Listeners<char>, event: &str) -> String {
        listeners.fire(event).iter().collect()
    }

    #[test]
    fn listeners_are_called_in_order_and_catch_all_ones_last() {
        let mut listeners = Listeners::new();
        listeners.on_any('z');
        listeners.on("e", 'a');
        listeners.on(String::from("e"), 'b');
        listeners.on("other", 'c');
        assert_eq!(fire(&mut listeners, "e"), "abz");
        assert_eq!(fire(&mut listeners, "unknown"), "z");
        let first = listeners.prepend_any('x');
        listeners.prepend_any('w');
        assert_eq!(fire(&mut listeners, "e"), "wxabz");
        assert_eq!(listeners.remove(first), Some('x'));
        assert_eq!(fire(&mut listeners, "e"), "wabz");
    }

    #[test]
    fn once_is_once_and_does_not_take_its_neighbours_along() {
        let mut listeners = Listeners::new();
        listeners.once("e", 'a');
        listeners.on("e", 'b');
        listeners.once("f", 'c');
        assert_eq!(fire(&mut listeners, "e"), "ab");
        assert_eq!(fire(&mut listeners, "e"), "b");
        assert_eq!(fire(&mut listeners, "f"), "c");
        assert!(listeners.fire("f").is_empty());
    }

    #[test]
    fn off_and_remove_take_only_what_they_name() {
        let mut listeners = Listeners::new();
        let first = listeners.on("e", 'a');
        listeners.on("e", 'b');
        listeners.on("f", 'c');
        let any = listeners.on_any('z');
        assert_eq!((listeners.remove(first), listeners.remove(first)), (Some('a'), None));
        assert_eq!(fire(&mut listeners, "e"), "bz");
        assert_eq!(listeners.remove(any), Some('z'));
        assert_eq!((listeners.off("f"), listeners.off("f")), (vec!['c'], vec![]));
        assert!(listeners.fire("f").is_empty());
        assert_eq!(fire(&mut listeners, "e"), "b");
    }

    #[test]
    fn changes_during_a_dispatch_count_from_the_next_event_on() {
        let mut listeners = Listeners::new();
        let first = listeners.on("e", 'a');
        listeners.on("e", 'b');
        let mut called = String::new();
        for handler in listeners.fire("e").iter() {
            called.push(*handler);
            listeners.remove(first);
            listeners.on("e", 'c');
            listeners.off("f");
        }
        assert_eq!(called, "ab");
        assert_eq!(fire(&mut listeners, "e"), "bcc");
    }
}
