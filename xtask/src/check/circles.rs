//! Checks that files of a crate do not use each other in a circle.
//!
//! A file uses another one if one of its paths names an item that the other file defines. A path
//! starts with `crate`, `super`, `self` or a child module. Re-exports are followed to the
//! definition. Tests are ignored.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::Context;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::finding::Finding;
use crate::workspace::read;

/// A file of a crate. Inline modules are part of their file.
#[derive(Default)]
struct Module {
    /// Its child modules.
    children: BTreeSet<String>,
    /// The names that `use` brings in, each with its absolute path.
    imports: BTreeMap<String, Vec<String>>,
    /// The absolute paths in its code, with their lines.
    uses: Vec<(Vec<String>, usize)>,
}

/// The modules of a crate by path; the root has the empty path.
type Modules = BTreeMap<Vec<String>, Module>;

/// Finds circles in each crate of the workspace.
///
/// # Errors
/// If a file cannot be read or is not Rust.
pub fn check(files: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let mut crates: BTreeMap<PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        if let Some(source) = file.ancestors().find(|folder| folder.ends_with("src")) {
            crates.entry(source.to_owned()).or_default().push(file);
        }
    }
    let mut findings = Vec::new();
    for (folder, files) in &crates {
        let mut modules = Modules::new();
        let mut paths = BTreeMap::new();
        for file in files {
            let Some(path) = module_path(file.strip_prefix(folder)?) else { continue };
            let tokens = super::rust::tokens(&read(file)?).with_context(|| file.display().to_string())?;
            let module = Module::of(&path, super::rust::without_tests(tokens));
            paths.insert(path.clone(), file.to_path_buf());
            modules.insert(path, module);
        }
        let graph = graph(&modules);
        for circle in circles(&graph) {
            let names: Vec<String> = circle.iter().map(|m| paths[*m].display().to_string()).collect();
            let line = graph[circle[0]][circle[1]];
            let message = format!("a circle of files: {}", names.join(" → "));
            findings.push(Finding { path: paths[circle[0]].clone(), line, message });
        }
    }
    Ok(findings)
}

/// The module path of a file: `index/writer.rs` is `["index", "writer"]`. Returns `None` for files
/// of tests and of other programs.
fn module_path(file: &Path) -> Option<Vec<String>> {
    let mut path: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.iter().any(|part| part == "tests" || part == "bin") {
        return None;
    }
    if path.last().is_some_and(|name| name == "mod")
        || matches!(path.as_slice(), [only] if only == "lib" || only == "main")
    {
        path.pop();
    }
    Some(path)
}

impl Module {
    fn of(path: &[String], tokens: TokenStream) -> Self {
        let mut module = Self::default();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for pair in tokens.windows(3) {
            if let [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(end)] = pair
                && word == "mod"
                && end.as_char() == ';'
            {
                module.children.insert(name.to_string());
            }
        }
        module.read(path, &tokens);
        module
    }

    /// Collects imports and paths, also of inline modules.
    fn read(&mut self, path: &[String], tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.read(path, &inner);
                    at += 1;
                }
                TokenTree::Ident(word) if word == "use" => {
                    let is_export = at > 0 && is_visibility(&tokens[at - 1]);
                    let line = word.span().start().line;
                    let mut found = Vec::new();
                    at = path_tree(tokens, at + 1, &[], &mut found);
                    for (names, alias) in found {
                        let Some(target) = self.absolute(path, &names) else { continue };
                        if let Some(name) = alias.or_else(|| names.last().cloned()) {
                            self.imports.insert(name, target.clone());
                        }
                        if !is_export {
                            self.uses.push((target, line));
                        }
                    }
                }
                TokenTree::Ident(word) if is_path(tokens, at) => {
                    let line = word.span().start().line;
                    let mut found = Vec::new();
                    at = path_tree(tokens, at, &[], &mut found);
                    for (names, _) in found {
                        self.uses.extend(self.absolute(path, &names).map(|target| (target, line)));
                    }
                }
                _ => at += 1,
            }
        }
    }

    /// The path from the crate's root. Returns `None` if it leads out of the crate or to a local
    /// name.
    fn absolute(&self, own: &[String], names: &[String]) -> Option<Vec<String>> {
        let (first, rest) = names.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([own, rest].concat()),
            "super" => {
                let ups = names.iter().take_while(|name| *name == "super").count();
                Some([&own[..own.len().checked_sub(ups)?], &names[ups..]].concat())
            }
            child if self.children.contains(child) => Some([own, names].concat()),
            _ => None,
        }
    }
}

fn is_visibility(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => word == "pub",
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        _ => false,
    }
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

/// Whether a path of two or more names starts here.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    let is_continued = at >= 2 && is_punct(tokens.get(at - 1), ':') && is_punct(tokens.get(at - 2), ':');
    !is_continued && is_punct(tokens.get(at + 1), ':') && is_punct(tokens.get(at + 2), ':')
}

/// Parses `a::b`, `a::{b, c::d}` and `a as b`. Returns the position after the path.
fn path_tree(
    tokens: &[TokenTree],
    mut at: usize,
    before: &[String],
    found: &mut Vec<(Vec<String>, Option<String>)>,
) -> usize {
    let mut names = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => names.push(name.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for item in inner.split(|token| is_punct(Some(token), ',')) {
                    path_tree(item, 0, &names, found);
                }
                return at + 1;
            }
            _ => break,
        }
        if !(is_punct(tokens.get(at + 1), ':') && is_punct(tokens.get(at + 2), ':')) {
            at += 1;
            break;
        }
        at += 3;
    }
    // `use a::{self}` names `a`.
    if names.len() > 1 && names.last().is_some_and(|name| name == "self") {
        names.pop();
    }
    let alias = match (tokens.get(at), tokens.get(at + 1)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(alias))) if word == "as" => {
            Some(alias.to_string())
        }
        _ => None,
    };
    if names.len() > before.len() {
        found.push((names, alias));
    }
    at.max(1)
}

/// The modules that each module uses, with the line of the first use.
fn graph(modules: &Modules) -> BTreeMap<&Vec<String>, BTreeMap<&Vec<String>, usize>> {
    modules
        .iter()
        .map(|(path, module)| {
            let mut used = BTreeMap::new();
            for (target, line) in &module.uses {
                let file = definition(modules, target, 0);
                if let Some((file, _)) = file.and_then(|file| modules.get_key_value(&file))
                    && file != path
                {
                    used.entry(file).or_insert(*line);
                }
            }
            (path, used)
        })
        .collect()
}

/// The module that defines the item at a path. Follows re-exports.
fn definition(modules: &Modules, target: &[String], depth: usize) -> Option<Vec<String>> {
    let length = (0..=target.len()).rev().find(|length| modules.contains_key(&target[..*length]))?;
    let (module, rest) = target.split_at(length);
    let Some((name, rest)) = rest.split_first() else { return Some(module.to_vec()) };
    match modules[module].imports.get(name) {
        Some(import) if depth < 8 && import != target => {
            definition(modules, &[import.as_slice(), rest].concat(), depth + 1)
        }
        _ => Some(module.to_vec()),
    }
}

/// The shortest circle through each file. Each circle occurs once.
fn circles<'m>(
    graph: &BTreeMap<&'m Vec<String>, BTreeMap<&'m Vec<String>, usize>>,
) -> Vec<Vec<&'m Vec<String>>> {
    let mut known = BTreeSet::new();
    let mut circles = Vec::new();
    for start in graph.keys() {
        let Some(circle) = shortest_circle(graph, start) else { continue };
        let members: BTreeSet<&Vec<String>> = circle.iter().copied().collect();
        if known.insert(members) {
            circles.push(circle);
        }
    }
    circles
}

/// The shortest path from `start` back to it, by breadth-first search.
fn shortest_circle<'m>(
    graph: &BTreeMap<&'m Vec<String>, BTreeMap<&'m Vec<String>, usize>>,
    start: &&'m Vec<String>,
) -> Option<Vec<&'m Vec<String>>> {
    let mut came_from: BTreeMap<&Vec<String>, &'m Vec<String>> = BTreeMap::new();
    let mut queue = VecDeque::from([*start]);
    while let Some(file) = queue.pop_front() {
        for next in graph[file].keys() {
            if next == start {
                let mut circle = vec![*start];
                let mut at = file;
                while at != *start {
                    circle.push(at);
                    at = came_from[at];
                }
                circle.push(*start);
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(*next) {
                came_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate, given as module paths and sources.
    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let mut modules = Modules::new();
        for (path, source) in files {
            let path: Vec<String> = path.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect();
            let tokens = crate::check::rust::without_tests(source.parse().unwrap());
            let module = Module::of(&path, tokens);
            modules.insert(path, module);
        }
        let graph = graph(&modules);
        circles(&graph).iter().map(|c| c.iter().map(|m| m.join("/")).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn files_that_use_each_other_are_a_circle() {
        let found = circles_of(&[
            ("", "mod a; mod b; mod c; use a::A;"),
            ("a", "use crate::b::B; pub struct A(B);"),
            ("b", "pub struct B; fn f() { super::c::g() }"),
            ("c", "pub fn g(_: crate::a::A) {}"),
        ]);
        assert_eq!(found, ["a b c a"]);
    }

    #[test]
    fn names_are_followed_through_reexports() {
        let found = circles_of(&[
            ("", "mod a; mod b; pub use a::{A, b2 as B2}; pub use b::B;"),
            ("a", "use crate::B; pub struct A(B);"),
            ("b", "use crate::A; pub struct B;"),
        ]);
        assert_eq!(found, ["a b a"]);
        let none = circles_of(&[
            ("", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a", "pub struct A;"),
            ("b", "use crate::A; pub struct B;"),
        ]);
        assert_eq!(none, [""; 0]);
    }

    #[test]
    fn parent_and_child_that_use_each_other_are_a_circle() {
        let found = circles_of(&[
            ("", "mod a;"),
            ("a", "mod inner; pub struct A; fn f() { inner::g() }"),
            ("a/inner", "use super::A; pub fn g() {}"),
        ]);
        assert_eq!(found, ["a a/inner a"]);
    }

    #[test]
    fn tests_are_ignored() {
        let found = circles_of(&[
            ("", "mod a; mod b;"),
            ("a", "use crate::b::B; #[cfg(test)] mod tests { use super::*; }"),
            ("b", "pub struct B; #[cfg(test)] use crate::a::A; #[cfg(test)] mod tests { use crate::a::A; }"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
