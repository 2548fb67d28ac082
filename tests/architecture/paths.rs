//! Reads one file: the paths in it, wherever they stand, and the `cfg(feature)`s. What is `cfg(test)` is left out.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// What a file has in it that the rules ask about.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) paths: Vec<Path>,
    /// Lines of `cfg(feature ...)` on a `mod` or a `use`.
    pub(crate) features_on_front_lines: Vec<usize>,
    /// Lines of `cfg(feature ...)` and `cfg!(feature ...)` anywhere else.
    pub(crate) features_elsewhere: Vec<usize>,
    /// Lines that belong to `cfg(test)`.
    pub(crate) test_lines: usize,
}

/// A path of two or more segments, or one that is imported.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) line: usize,
    /// As written, braces of `use` resolved; the last one may be `*`.
    pub(crate) segments: Vec<String>,
    /// The modules inside of this file in which it stands, usually none.
    pub(crate) inside: Vec<String>,
    /// The name that a `pub use` gives it.
    pub(crate) exported_as: Option<String>,
}

pub(crate) fn read(text: &str) -> syn::Result<Found> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader::default();
    reader.visit_file(&file);
    Ok(reader.found)
}

#[derive(Default)]
struct Reader {
    found: Found,
    inside: Vec<String>,
}

impl Reader {
    fn add(&mut self, line: usize, segments: Vec<String>) {
        self.add_named(line, segments, None);
    }

    fn add_named(&mut self, line: usize, segments: Vec<String>, exported_as: Option<String>) {
        let inside = self.inside.clone();
        self.found.paths.push(Path { line, segments, inside, exported_as });
    }

    fn add_use(&mut self, tree: &UseTree, before: &[String], exported: bool) {
        let line = tree.span().start().line;
        let with = |name: &Ident| [before, &[name.to_string()]].concat();
        let (segments, name) = match tree {
            UseTree::Path(path) => return self.add_use(&path.tree, &with(&path.ident), exported),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.add_use(item, before, exported));
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned())
            }
            UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string())),
            UseTree::Rename(rename) => (with(&rename.ident), Some(rename.rename.to_string())),
            UseTree::Glob(_) => ([before, &["*".to_owned()]].concat(), None),
        };
        self.add_named(line, segments, name.filter(|_| exported));
    }

    /// Finds paths among the tokens of a macro, which no parser knows.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.finish(line, &mut segments);
                        line = ident.span().start().line;
                    }
                    segments.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.finish(line, &mut segments);
                    self.add_tokens(group.stream());
                }
                _ => self.finish(line, &mut segments),
            }
            colons = 0;
        }
        self.finish(line, &mut segments);
    }

    fn finish(&mut self, line: usize, segments: &mut Vec<String>) {
        let segments = std::mem::take(segments);
        if segments.len() > 1 {
            self.add(line, segments);
        }
    }

    /// Splits off the `cfg(feature)` lines of a `mod` or `use`, which may have them.
    fn front_attributes(&mut self, attributes: &[Attribute]) {
        for attribute in attributes {
            if is_feature(attribute) {
                self.found.features_on_front_lines.push(attribute.span().start().line);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_test) {
            self.found.test_lines += item.span().end().line + 1 - item.span().start().line;
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !function.attrs.iter().any(is_test) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.front_attributes(&module.attrs);
        self.inside.push(module.ident.to_string());
        for item in module.content.iter().flat_map(|(_, items)| items) {
            self.visit_item(item);
        }
        self.inside.pop();
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        self.front_attributes(&import.attrs);
        self.add_use(&import.tree, &[], matches!(import.vis, Visibility::Public(_)));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(path.span().start().line, segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        let line = invocation.span().start().line;
        if invocation.path.is_ident("cfg") && invocation.tokens.to_string().contains("feature") {
            self.found.features_elsewhere.push(line);
        }
        self.visit_path(&invocation.path);
        self.add_tokens(invocation.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if is_feature(attribute) {
            self.found.features_elsewhere.push(attribute.span().start().line);
        }
    }

    /// `pub(in crate::a)` grants, it imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn is_feature(attribute: &Attribute) -> bool {
    (attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
        && tokens(attribute).contains("feature")
}

fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && tokens(attribute) == "test"
}

fn tokens(attribute: &Attribute) -> String {
    attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
