//! Expectations: what comes, all that comes, when it comes.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};

use super::{FakeDiscord, Notice, What};
use crate::double::State;

use super::play::Discord;

impl FakeDiscord {
    /// Waits for these notifications, as [`Notice::line`] shows them, and checks that there are no
    /// others since the last expectation and that all of them came within a window of the
    /// test's clock, in seconds. Their order does not matter, since routes are independent of each other.
    ///
    /// # Panics
    /// When something is missing, unexpected or out of time.
    #[track_caller]
    pub fn expect(&self, window: impl RangeBounds<u64> + Debug, expected: &[&str]) {
        self.expect_as(window, Notice::line, expected);
    }

    /// As [`FakeDiscord::expect`], but shows notifications in a way of the test's own, for example
    /// by [`Notice::text`].
    ///
    /// # Panics
    /// As [`FakeDiscord::expect`] does.
    #[track_caller]
    pub fn expect_as(
        &self,
        window: impl RangeBounds<u64> + Debug,
        show: impl Fn(&Notice) -> String,
        expected: &[impl AsRef<str>],
    ) {
        self.0.lock().own.compared.get_or_insert(0);
        let enough = |state: &State<Discord>| (fresh(state).count() >= expected.len()).then_some(());
        // Where too little comes, the difference says what.
        let _ = self.0.wait_or_not(enough);
        let mut state = self.0.lock();
        let shown = |notice: &Notice| {
            let late = if window.contains(&notice.at) { "" } else { " (out of time)" };
            (format!("{}{late}", show(notice)), notice.at)
        };
        let seen: Vec<(String, u64)> = fresh(&state).map(shown).collect();
        state.own.compared = Some(state.own.notices.len());
        let (calls, violations) = (state.own.calls.clone(), state.own.violations.clone());
        drop(state);
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        if let Some(difference) = difference(&expected, &seen) {
            panic!("expected within {}:\n{difference}calls: {calls:#?}\n{violations:?}", spelled(&window));
        }
    }

    /// Checks that nothing has come since the last expectation. It does not wait: ask the service
    /// first whether it has done its work.
    ///
    /// # Panics
    /// When something has.
    #[track_caller]
    pub fn quiet(&self) {
        self.expect(.., &[]);
    }

    /// Forgets what has come so far: the next expectation begins here.
    pub fn skip_seen(&self) {
        let own = &mut self.0.lock().own;
        own.compared = Some(own.notices.len());
    }

    /// Checks at the end that nothing came after the last expectation.
    #[track_caller]
    pub(super) fn check_rest(&self) {
        let state = self.0.lock();
        let rest: Vec<String> = match state.own.compared {
            Some(_) => fresh(&state).map(Notice::line).collect(),
            None => Vec::new(),
        };
        drop(state);
        assert!(rest.is_empty(), "after the last expectation came: {rest:#?}");
    }
}

/// Returns the notices that no expectation has looked at. The opening of a channel for direct
/// messages is none: nobody sees it.
fn fresh(state: &State<Discord>) -> impl Iterator<Item = &Notice> {
    let from = state.own.compared.unwrap_or(0);
    state.own.notices[from..].iter().filter(|notice| notice.what != What::Dm)
}

/// Lays two lists over each other without regard to their order: what both have is indented, `-`
/// is missing, `+` is unexpected. None where they are the same.
fn difference(expected: &[&str], seen: &[(String, u64)]) -> Option<String> {
    let mut missing = expected.to_vec();
    let mut text = String::new();
    let mut same = true;
    for (line, at) in seen {
        let known = missing.iter().position(|wanted| wanted == line);
        let sign = if known.is_some() { ' ' } else { '+' };
        same &= known.is_some();
        known.map(|place| missing.remove(place));
        text.push_str(&format!("{sign} {} {line}\n", clock(*at)));
    }
    for line in &missing {
        text.push_str(&format!("-           {line}\n"));
    }
    (!same || !missing.is_empty()).then_some(text)
}

/// Returns seconds as a clock shows them: `4h00m07s`.
fn clock(seconds: u64) -> String {
    format!("{:>3}h{:02}m{:02}s", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn spelled(window: &impl RangeBounds<u64>) -> String {
    let bound = |bound: Bound<&u64>| match bound {
        Bound::Included(at) | Bound::Excluded(at) => clock(*at).trim_start().to_owned(),
        Bound::Unbounded => String::new(),
    };
    format!("{}..{}", bound(window.start_bound()), bound(window.end_bound()))
}
