//! Changes the configuration file, and keeps its comments and its order.

use std::io::Write;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context, anyhow, bail};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use crate::settings::check_file;
use crate::text;

/// The name of the setting that chooses the annotator.
const ANNOTATE_WITH: &str = "annotate_with";

/// Changes the text of the file: sets `annotate_with = name`, and sets these values in the
/// `[[model]]` table of that name. Adds the table if there is none.
///
/// # Errors
/// If the text is not TOML, or has its models in another form.
pub fn with_model(text: &str, name: &str, values: &[(&str, Value)]) -> anyhow::Result<String> {
    let mut document = parse(text)?;
    let is_bare = document.iter().all(|(_, item)| !item.is_value());
    set(document.as_table_mut(), ANNOTATE_WITH, name.into());
    if is_bare && let Some(value) = document[ANNOTATE_WITH].as_value_mut() {
        // A blank line before the first table.
        value.decor_mut().set_suffix(if text.trim().is_empty() { "" } else { "\n" });
    }
    if values.is_empty() {
        return finished(&document, text);
    }
    let models = document.entry("model").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(models) = models.as_array_of_tables_mut() else {
        bail!(
            "`model` is not a list of tables; write each model as a [[model]] table, then run the command again"
        );
    };
    let is_it = |table: &Table| table.get("name").and_then(Item::as_str) == Some(name);
    if !models.iter().any(is_it) {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        set(&mut table, "name", name.into());
        models.push(table);
    }
    if let Some(table) = models.iter_mut().find(|table| is_it(table)) {
        for (key, value) in values {
            set(table, key, value.clone());
        }
    }
    finished(&document, text)
}

/// Changes the text of the file: sets `annotate_with = name`.
///
/// # Errors
/// If the text is not TOML.
pub fn with_annotator(text: &str, name: &str) -> anyhow::Result<String> {
    with_model(text, name, &[])
}

/// A `[[model]]` table to paste.
pub fn table(name: &str, values: &[(&str, Value)]) -> String {
    let mut table = Table::new();
    set(&mut table, "name", name.into());
    values.iter().for_each(|(key, value)| set(&mut table, key, value.clone()));
    format!("[[model]]\n{table}")
}

/// Sets a value. Comments at it stay.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(former) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = former.decor().clone();
    }
    match table.get_mut(key) {
        Some(item) => *item = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

fn parse(text: &str) -> anyhow::Result<DocumentMut> {
    Ok(text.parse::<DocumentMut>()?)
}

/// The text of the changed document, with the line ends of the former text. Fails if the program
/// cannot parse it.
fn finished(document: &DocumentMut, former: &str) -> anyhow::Result<String> {
    let mut text = document.to_string();
    let ends_in_two = former.matches("\r\n").count();
    if ends_in_two > 0 && ends_in_two == former.matches('\n').count() {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    check_file(&text).map_err(|why| anyhow!("the changed file would be malformed: {why}"))?;
    Ok(text)
}

/// The text of the configuration file. Empty if there is no file.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> anyhow::Result<String> {
    match text::of_file(path) {
        Ok(text) => Ok(text),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(why) => {
            Err(why).with_context(|| format!("{} cannot be read; check its permissions", path.display()))
        }
    }
}

/// Whether the configuration file may be changed, or created.
///
/// # Errors
/// If it is read-only.
pub fn may_be_changed(path: &Path) -> anyhow::Result<()> {
    match fs::metadata(path) {
        Ok(file) if file.permissions().readonly() => bail!("it is read-only"),
        _ => Ok(()),
    }
}

/// Replaces the configuration file atomically, with its former permissions. Creates its folder if
/// necessary. If the file is a link, the target is replaced.
///
/// # Errors
/// If it cannot be written. The former file is then unchanged.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    may_be_changed(path)
        .with_context(|| format!("the configuration file {} cannot be written", path.display()))?;
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let replace = || -> io::Result<()> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".backissue-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(former) = fs::metadata(&target) {
            file.as_file().set_permissions(former.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    replace().with_context(|| format!("the configuration file {} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# My archive.\nlisten = \"127.0.0.1:7878\" # only here\nannotate_with = \"old\" # the small one\n\n\
        # At work.\n[[model]]\nname = \"old\" # keep\nprotocol = \"openai\"\nmodel = \"m\"\nkey_env = \"K\"\n\n\
        [mail]\nserver = \"smtps://mail.example\"\nfrom = \"a@b.example\"\n# The end.\n";

    fn values() -> Vec<(&'static str, Value)> {
        vec![("protocol", "ollama".into()), ("model", "qwen3:8b".into())]
    }

    #[test]
    fn comments_and_order_stay() {
        let text = with_model(FILE, "ollama/qwen3:8b", &values()).unwrap();
        assert!(text.contains("annotate_with = \"ollama/qwen3:8b\" # the small one\n"), "{text}");
        let table = "\n[[model]]\nname = \"ollama/qwen3:8b\"\nprotocol = \"ollama\"\nmodel = \"qwen3:8b\"\n";
        assert!(text.contains(table), "{text}");
        let without = text.replace(table, "").replace("\"ollama/qwen3:8b\" # the", "\"old\" # the");
        assert_eq!(without, FILE, "everything else is as it was");
        assert_eq!(
            with_model(&text, "ollama/qwen3:8b", &values()).unwrap(),
            text,
            "a second time changes nothing"
        );
        let back = with_annotator(&text, "old").unwrap();
        assert!(back.contains("annotate_with = \"old\" # the small one") && back.contains(table), "{back}");
    }

    #[test]
    fn known_model_keeps_its_other_settings() {
        let text = with_model(FILE, "old", &[("model", "m2".into())]).unwrap();
        assert_eq!(text, FILE.replace("model = \"m\"", "model = \"m2\""));
    }

    #[test]
    fn line_ends_stay() {
        let file = FILE.replace('\n', "\r\n");
        let text = with_model(&file, "ollama/qwen3:8b", &values()).unwrap();
        assert_eq!(text, with_model(FILE, "ollama/qwen3:8b", &values()).unwrap().replace('\n', "\r\n"));
        let back = with_annotator(&text, "old").unwrap();
        assert_eq!(back.matches('\n').count(), back.matches("\r\n").count(), "{back:?}");
    }

    #[test]
    fn any_file_can_be_changed() {
        for file in [
            "",
            "# Nothing yet.\n",
            "[mail]\nserver = \"smtps://a\"\nfrom = \"a@b\"\n",
            "log = 'info'",
            "log = 'info'\r\n",
        ] {
            let text = with_model(file, "x", &values()).unwrap();
            check_file(&text).unwrap();
            assert!(text.contains("annotate_with = \"x\"") && text.contains("[[model]]"), "{text}");
            for line in file.lines() {
                assert!(text.contains(line), "{text}");
            }
        }
        assert!(with_model("log = ", "x", &values()).is_err());
        let inline = "model = [{ name = 'a', protocol = 'openai', model = 'm' }]";
        assert!(with_model(inline, "x", &values()).unwrap_err().to_string().contains("[[model]]"));
        assert!(table("x", &values()).starts_with("[[model]]\nname = \"x\"\nprotocol = \"ollama\"\n"));
    }

    #[test]
    fn file_is_replaced_with_its_permissions_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        write(&path, "log = 'info'").unwrap();
        assert_eq!(read(&path).unwrap(), "log = 'info'");
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let error = format!("{:#}", write(&path, "").unwrap_err());
        assert!(error.contains("cannot be written: it is read-only"), "{error}");
        assert_eq!(read(&path).unwrap(), "log = 'info'");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no other file is left");
        assert!(write(&path.join("below"), "").is_err());
        assert_eq!(read(&folder.path().join("none.toml")).unwrap(), "");
    }
}
