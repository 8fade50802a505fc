//! The house stays as it was planned: imports go down, files stay small, nothing is left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Longer files hold more than one idea.
const MOST_LINES: usize = 300;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file below a folder, by its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The floor of each module of `shared`: 0 values, 1 outside, 2 the app that joins them, 3 verbs. Outside and among the
/// verbs a module imports only those that stand before it; values import one another.
const FLOORS: &[(&str, u8)] = &[
    ("cache", 0),
    ("calendar", 0),
    ("civil", 0),
    ("clock", 0),
    ("error", 0),
    ("flowkey", 0),
    ("hours", 0),
    ("ids", 0),
    ("random", 0),
    ("range", 0),
    ("schedule", 0),
    ("seal", 0),
    ("service", 0),
    ("slots", 0),
    ("slottoken", 0),
    ("speech", 0),
    ("zones", 0),
    ("clerk", 0),
    ("vapi", 0),
    ("webhooks", 0),
    ("http", 1),
    ("providers", 1),
    ("config", 1),
    ("aws", 1),
    ("vault", 1),
    ("store", 1),
    ("secrets", 1),
    ("jwks", 1),
    ("queue", 1),
    ("deadline", 1),
    ("app", 2),
    ("access", 3),
    ("tokens", 3),
    ("connect", 3),
    ("calendars", 3),
    ("services", 3),
    ("availability", 3),
    ("booking", 3),
    ("users", 3),
    ("businesses", 3),
    ("voice", 3),
    ("lib", 9),
];

fn module_of(path: &str) -> String {
    let below = path.trim_start_matches("shared/src/");
    below.split(['/', '.']).next().unwrap().to_owned()
}

/// A file without the items that only tests have.
fn without_tests(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (mut kept, mut lines) = (String::new(), text.lines());
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // An item ends where a line of its own indent ends so; its attributes and its opening line do not.
            lines.find(|next| indent(next) == indent(line) && next.ends_with([';', '}', ',']));
        } else {
            kept += line;
            kept += "\n";
        }
    }
    kept
}

/// The modules of `shared` that a file names after `crate::`.
fn imports(text: &str) -> Vec<String> {
    let plain = without_tests(text);
    let mut found = Vec::new();
    for (at, _) in plain.match_indices("crate::") {
        let rest = &plain[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(top_level_names(group));
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

/// The first names in a braced import, up to its closing brace.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut name, mut inside_path) = (0, Vec::new(), String::new(), false);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                inside_path = false;
            }
            ':' if depth == 0 => inside_path = true,
            c if depth == 0 && !inside_path && (c.is_alphanumeric() || c == '_') => name.push(c),
            _ => {}
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn imports_only_go_down() {
    let place = |module: &str| FLOORS.iter().position(|(name, _)| *name == module);
    for (path, text) in sources("shared/src") {
        let own = module_of(&path);
        let here = place(&own).unwrap_or_else(|| panic!("{path}: say in tidy.rs on which floor it lives"));
        for import in imports(&text) {
            let Some(there) = place(&import) else { continue };
            let (floor, other) = (FLOORS[here].1, FLOORS[there].1);
            assert!(
                other < floor || (other == floor && (floor == 0 || there <= here)),
                "{path} imports {import}, which lives above it or after it: move what they share down"
            );
        }
    }
}

#[test]
fn what_only_tests_import_is_not_counted_and_what_follows_them_is() {
    let file = "use crate::ids;\n#[cfg(test)]\n#[path = \"t.rs\"]\nmod tests;\nuse crate::{http, store::{Store, vault}};\n\
        impl A {\n    #[cfg(test)]\n    fn of() {\n        crate::voice::of()\n    }\n    fn is() { crate::seal::is() }\n}\n\
        #[cfg(test)]\nmod more {\n    use crate::booking;\n}\nuse crate::zones;\n";
    assert_eq!(imports(file), ["ids", "http", "store", "seal", "zones"]);
}

#[test]
fn values_know_nothing_of_the_outside() {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    for (path, text) in sources("shared/src") {
        if floors.get(module_of(&path).as_str()) == Some(&0) {
            for outside in ["aws_sdk_", "reqwest::", "tokio::", "async fn"] {
                assert!(!text.contains(outside), "{path} is a value and uses {outside}");
            }
        }
    }
}

#[test]
fn our_status_codes_exist_at_the_edge_only() {
    for (path, text) in sources("shared/src") {
        // Providers' answers have status codes of their own.
        let outside = path.contains("/providers/") || path.ends_with("/http.rs");
        assert!(
            outside || !text.contains("StatusCode"),
            "{path} knows HTTP status codes, which belong to functions/"
        );
    }
}

#[test]
fn shared_and_functions_do_not_know_the_local_world() {
    for (path, text) in sources("shared/src").into_iter().chain(sources("functions/src")) {
        assert!(!text.contains("local::"), "{path} imports local");
    }
}

#[test]
fn files_stay_small() {
    for folder in ["shared/src", "functions/src", "local/src", "local/tests"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            // Tests are read one at a time.
            let most = if path.contains("test") { 2 * MOST_LINES } else { MOST_LINES };
            assert!(lines <= most, "{path} has {lines} lines: it holds more than one idea");
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for folder in ["shared/src", "functions/src", "local/src", "local/tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//!"), "{path} does not say what it is for");
        }
    }
}

#[test]
fn nothing_is_left_behind() {
    for folder in ["shared/src", "functions/src", "local/src"] {
        for (path, text) in sources(folder) {
            for word in [
                concat!("TO", "DO"),
                concat!("FIX", "ME"),
                concat!("#[", "ignore"),
                concat!("#[", "allow("),
                concat!("todo", "!("),
            ] {
                assert!(!text.contains(word), "{path} holds {word}");
            }
        }
    }
}

/// Names with their versions in a lock file.
fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in text.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim_matches(['"', ' ', '=']).to_owned()
        };
        packages.entry(field("name")).or_default().insert(field("version"));
    }
    packages
}

#[test]
fn what_is_fuzzed_is_built_of_what_deploys() {
    let deploys = locked("Cargo.lock");
    let mut compared = 0;
    for (name, versions) in locked("fuzz/Cargo.lock") {
        let Some(ours) = deploys.get(&name) else { continue };
        assert!(versions.is_subset(ours), "fuzz/Cargo.lock has {name} {versions:?}, Cargo.lock {ours:?}");
        compared += 1;
    }
    assert!(compared > 100, "{compared} packages");
}
