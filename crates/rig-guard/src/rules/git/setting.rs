//! Settings that make pushes forced ones.

use super::config;
use super::push::{Push, is_forced};
use super::refspec::{Refspec, branch};
use super::{Finding, Git, Line};

/// Looks for settings that force the push.
pub(super) fn by_settings(git: &Git<'_>, push: &Push<'_>) -> Option<Finding> {
    if git.sub != "push" || push.line.on("delete") {
        return None;
    }
    // With a colon in every refspec no setting adds anything, and `tag v1` is none of a branch.
    let mut mapped: Vec<&str> = Vec::new();
    let mut refspecs = push.refspecs.iter().filter_map(|word| word.known());
    while let Some(refspec) = refspecs.next() {
        match refspec {
            "tag" => drop(refspecs.next()),
            refspec if refspec.contains(':') => {}
            refspec => mapped.push(refspec),
        }
    }
    if mapped.is_empty() && !push.refspecs.is_empty() {
        return None;
    }
    let whole =
        push.refspecs.is_empty() && !["all", "branches", "tags"].iter().any(|name| push.line.on(name));
    // Which remote is meant may be a setting of the branch.
    let named = push.remote.is_some() || push.line.value("repo").is_some();
    let sections: &[&str] = if named { &["remote"] } else { &["remote", "branch"] };
    let mut settings = git.world.git_settings(git.cwd().as_deref(), sections);
    settings.extend(git.settings().into_iter().filter_map(|setting| {
        let value = setting.value.map_or(Some("true".to_owned()), |word| word.known().map(str::to_owned))?;
        Some((setting.key, value))
    }));
    let remote = remote(git, push, &settings);
    let own = |key: &str, name: &str| {
        let part = key.strip_prefix("remote.").and_then(|rest| rest.strip_suffix(name)?.strip_suffix('.'));
        part.is_some_and(|part| remote.as_ref().is_none_or(|remote| part.eq_ignore_ascii_case(remote)))
    };
    let mirror = settings.iter().rev().find(|(key, _)| own(key, "mirror"));
    if let Some((key, _)) = mirror.filter(|(_, value)| push.refspecs.is_empty() && config::is_true(value)) {
        return Some(Finding::new(format!(
            "`{key}` is set, which overwrites and deletes every ref of the remote"
        )));
    }
    let mut forced = settings.iter().filter(|(key, value)| own(key, "push") && value.starts_with('+'));
    let (key, value) = forced.find(|(_, value)| {
        let source = Refspec::parse(value).source;
        whole || mapped.iter().any(|name| fits(source, name))
    })?;
    Some(Finding::new(format!("`{key}` is `{value}`, and its `+` forces that ref")))
}

/// Says whether the source of a configured refspec is a branch.
fn fits(source: &str, name: &str) -> bool {
    let (source, name) = (branch(source), branch(name));
    match source.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => source == name,
    }
}

/// Returns the remote that is pushed to; `None` where it may be any.
fn remote(git: &Git<'_>, push: &Push<'_>, settings: &[(String, String)]) -> Option<String> {
    if let Some(word) = push.remote.or_else(|| push.line.value("repo")) {
        return word.known().map(str::to_owned);
    }
    let last =
        |key: String| settings.iter().rev().find(|(own, _)| *own == key).map(|(_, value)| value.clone());
    let of_branch = |name: &str| {
        git.branch().and_then(|branch| last(format!("branch.{}.{name}", branch.to_ascii_lowercase())))
    };
    let remote = of_branch("pushremote").or_else(|| last("remote.pushdefault".to_owned()));
    Some(remote.or_else(|| of_branch("remote")).unwrap_or_else(|| "origin".to_owned()))
}

/// Looks for a setting that would force every later push.
pub(super) fn configured(git: &Git<'_>) -> Option<Finding> {
    let setting = config::stored(git)?;
    let key = &setting.key;
    if !key.starts_with("remote.") {
        return None;
    }
    let plus = key.ends_with(".push") && setting.value.as_ref().is_some_and(is_forced);
    let mirror = key.ends_with(".mirror") && setting.is_true();
    (plus || mirror).then(|| Finding::new(format!("`{key}` makes each later push a forced one")))
}

/// Looks for `git remote add --mirror=push`.
pub(super) fn mirror(git: &Git<'_>) -> Option<Finding> {
    let (_, args) = git.verb().filter(|(verb, _)| *verb == "add")?;
    let line = Line::read(args, "fetch/f tags track/t= master/m= mirror?");
    let pushes = line.on("mirror") && line.value("mirror").is_none_or(|word| word.known() == Some("push"));
    (pushes && !line.help)
        .then(|| Finding::new("each later push to that remote overwrites and deletes all of its refs"))
}
