//! Which namespaces there are.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::Inner as Namespace;
use super::entrance::{Entrance, list, push};
use super::parent::{Inner as Parent, NamespaceRequest};
use crate::handler::caught;
use crate::packet::ROOT;
use crate::server::{Config, Io};

/// The namespaces of a server, and those that may be made.
pub(in crate::server) struct Registry {
    namespaces: RwLock<HashMap<Box<str>, Entry>>,
    parents: RwLock<Arc<[Arc<Parent>]>>,
    on_new: RwLock<Arc<[OnNew]>>,
}

enum Entry {
    /// Made by the application.
    Fixed(Arc<Namespace>),
    /// Made for a client, gone with its last socket.
    Child(Weak<Namespace>),
}

/// Is called with a namespace that is new.
pub(in crate::server) type OnNew = Arc<dyn Fn(crate::server::Namespace) + Send + Sync>;

impl Registry {
    pub(in crate::server) fn new(config: &Config) -> Arc<Self> {
        let root = Arc::new(Namespace::new(ROOT, config, None, Weak::new()));
        Arc::new(Self {
            namespaces: RwLock::new(HashMap::from([(ROOT.into(), Entry::Fixed(root))])),
            parents: RwLock::new(Arc::new([])),
            on_new: RwLock::new(Arc::new([])),
        })
    }

    pub(in crate::server) fn find(&self, name: &str) -> Option<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.get(name).and_then(Entry::get)
    }

    /// The namespace of this name, and whether it is new.
    pub(in crate::server) fn find_or_make(
        self: &Arc<Self>,
        name: &str,
        config: &Config,
        parent: Option<Arc<Entrance>>,
    ) -> (Arc<Namespace>, bool) {
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = namespaces.get(name).and_then(Entry::get) {
            return (found, false);
        }
        let is_child = parent.is_some();
        let made = Arc::new(Namespace::new(name, config, parent, Arc::downgrade(self)));
        let entry = match is_child {
            true => Entry::Child(Arc::downgrade(&made)),
            false => Entry::Fixed(made.clone()),
        };
        namespaces.insert(name.into(), entry);
        (made, true)
    }

    pub(in crate::server) fn all(&self) -> Vec<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.values().filter_map(Entry::get).collect()
    }

    /// A child is gone. One of the same name may have been made since.
    pub(in crate::server) fn forget(&self, name: &str) {
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let is_gone =
            matches!(namespaces.get(name), Some(Entry::Child(child)) if child.strong_count() == 0);
        if is_gone {
            namespaces.remove(name);
        }
    }

    pub(in crate::server) fn add_parent(&self, parent: Arc<Parent>) {
        push(&self.parents, parent);
    }

    pub(in crate::server) fn parents(&self) -> Arc<[Arc<Parent>]> {
        list(&self.parents)
    }

    pub(in crate::server) fn add_on_new(&self, listener: OnNew) {
        push(&self.on_new, listener);
    }

    pub(in crate::server) fn on_new(&self) -> Arc<[OnNew]> {
        list(&self.on_new)
    }
}

impl Entry {
    fn get(&self) -> Option<Arc<Namespace>> {
        match self {
            Self::Fixed(namespace) => Some(namespace.clone()),
            Self::Child(child) => child.upgrade(),
        }
    }
}

impl Io {
    /// The namespace of a client that asks for one that does not exist, if a parent admits it.
    pub(in crate::server) async fn adopt(
        &self,
        request: NamespaceRequest,
    ) -> Option<Arc<Namespace>> {
        for parent in self.registry().parents().iter() {
            if parent.admits(&request).await {
                let entrance = Some(parent.entrance.clone());
                return Some(self.make(request.name(), entrance));
            }
        }
        None
    }

    /// Finds or makes a namespace, and tells of one that is new.
    pub(in crate::server) fn make(
        &self,
        name: &str,
        parent: Option<Arc<Entrance>>,
    ) -> Arc<Namespace> {
        let (namespace, is_new) = self.registry().find_or_make(name, self.config(), parent);
        if is_new {
            for listener in self.registry().on_new().iter() {
                let handle = crate::server::Namespace::new(self.clone(), namespace.clone());
                if let Err(message) = caught(AssertUnwindSafe(|| listener(handle))) {
                    tracing::error!(%message, "a listener to new namespaces panicked");
                }
            }
        }
        namespace
    }
}
