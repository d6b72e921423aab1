use super::super::text::escaped;

/// The most units of a field's value.
pub(super) const VALUE: usize = 1024;
/// The most units of a value that is short by its nature, such as a branch.
pub(super) const SHORT: usize = 256;

/// Fields of an embed: name, value, whether it stands beside others.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<(&'static str, String, bool)>);

impl Fields {
    pub(super) fn fixed(&mut self, name: &'static str, value: String) {
        self.0.push((name, value, true));
    }

    pub(super) fn wide(&mut self, name: &'static str, value: String) {
        self.0.push((name, value, false));
    }

    pub(super) fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.fixed(name, format!("#{value}"));
        }
    }

    pub(super) fn text(&mut self, name: &'static str, value: Option<&str>) {
        let value =
            value.map(|value| escaped(&one_line(value), SHORT, "…")).filter(|value| !value.is_empty());
        if let Some(value) = value {
            self.fixed(name, value);
        }
    }

    pub(super) fn long(&mut self, name: &'static str, value: Option<&str>, max: usize) {
        let value = value.map(|value| escaped(value, max, "…")).filter(|value| !value.is_empty());
        if let Some(value) = value {
            self.wide(name, value);
        }
    }

    pub(super) fn by(&mut self, name: &'static str, who: Option<&str>, at: Option<jiff::Timestamp>) {
        let who = escaped(&one_line(who.unwrap_or_default()), SHORT, "…");
        let at = at.map(|at| format!(" {}", ago(at))).unwrap_or_default();
        let who = if who.is_empty() { "somebody" } else { &who };
        self.fixed(name, format!("{who}{at}"));
    }
}

/// Returns a time as Discord shows it: how long ago, or until then.
pub(super) fn ago(at: jiff::Timestamp) -> String {
    format!("<t:{}:R>", at.as_second())
}

pub(super) fn one_line(text: &str) -> String {
    rig_text::clean(text)
}

/// Says whether a text is `owner/name`, and can be a part of an address.
pub(super) fn is_repo(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let part = |part: &str| !part.is_empty() && part.len() <= 100 && part.chars().all(word);
    text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}
