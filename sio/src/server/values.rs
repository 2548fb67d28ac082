//! Values of any type, one per type, kept for an application.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Holds shared values, so that no code of theirs runs while they are looked up.
///
/// A tree, because most sockets have none and an empty one is three words.
#[derive(Default)]
pub(super) struct Values(BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Values {
    /// Puts a value in, and gives the one before, to be dropped without the lock that guards this.
    pub(super) fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> Option<Arc<T>> {
        downcast(self.0.insert(TypeId::of::<T>(), Arc::new(value)))
    }

    pub(super) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        downcast(self.0.get(&TypeId::of::<T>()).cloned())
    }

    pub(super) fn remove<T: Send + Sync + 'static>(&mut self) -> Option<Arc<T>> {
        downcast(self.0.remove(&TypeId::of::<T>()))
    }
}

fn downcast<T: Send + Sync + 'static>(value: Option<Arc<dyn Any + Send + Sync>>) -> Option<Arc<T>> {
    value?.downcast().ok()
}
